// A standard OAuth 2.0 server (panva's oidc-provider) on a free port of loopback, for both grants.
// Prints one line of JSON when it is ready: where it is, and a refresh token of a user who signed in.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const RESOURCE = "https://api.example.com/orders";
const SECRET = process.env.CLIENT_SECRET;
const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "orders-app",
      client_secret: SECRET,
      grant_types: ["client_credentials", "refresh_token", "authorization_code"],
      redirect_uris: ["https://client.example.com/cb"],
      token_endpoint_auth_method: "client_secret_post",
      scope: "openid offline_access orders.read",
    },
    ...["PS256", "RS256"].map((alg) => ({
      client_id: `signing-app-${alg}`,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: alg,
      jwks: { keys: [JSON.parse(process.env.CLIENT_KEY)] },
      scope: "orders.read",
    })),
  ],
  clientAuthMethods: ["client_secret_post", "private_key_jwt"],
  scopes: ["openid", "offline_access", "orders.read"],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "orders.read",
        audience: RESOURCE,
        accessTokenTTL: 600,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
  ttl: { Grant: 3600, RefreshToken: 3600, ClientCredentials: 600, AccessToken: 600, IdToken: 600, Session: 3600 },
  rotateRefreshToken: true, // each is good once: what Entra does only for single-page apps
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

const client = await provider.Client.find("orders-app");
const grant = new provider.Grant({ accountId: "ada", clientId: client.clientId });
grant.addOIDCScope("openid offline_access");
grant.addResourceScope(RESOURCE, "orders.read");
const grantId = await grant.save();
const refreshToken = await new provider.RefreshToken({
  accountId: "ada",
  client,
  grantId,
  gty: "authorization_code",
  resource: RESOURCE,
  scope: "openid offline_access orders.read",
  rotations: 0,
}).save();

server.on("request", provider.callback());
process.stdin.on("end", () => process.exit(0)).resume(); // gone with the test that started it
console.log(JSON.stringify({ token_endpoint: `${issuer}/token`, refresh_token: refreshToken }));

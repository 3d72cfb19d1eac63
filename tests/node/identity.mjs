// @azure/identity, openid-client and jose as programs use them. The test says which flow, with what; a person acts
// where one is needed; the outcome goes back: the token, or the error as the library words it.
import * as identity from "@azure/identity";
import * as jose from "jose";
import * as oidc from "openid-client";
import { ask, hear, say } from "./conversation.mjs";

const BACK = "http://localhost:5000/signed-in";

const token = async (given, credential) => {
  const scope = given.scope ?? "https://graph.microsoft.com/.default";
  const first = await credential.getToken(scope);
  return { token: first.token, cached: (await credential.getToken(scope)).token === first.token };
};
const options = (given) => ({ authorityHost: given.authority });
const who = (given) => [given.tenant, given.client];

const discovered = (given, ...proof) => oidc.discovery(new URL(given.issuer), given.client, ...proof);

const flows = {
  "identity secret": (given) =>
    token(given, new identity.ClientSecretCredential(...who(given), given.secret, options(given))),
  "identity certificate": (given) => {
    const chosen = { ...options(given), sendCertificateChain: true };
    const pem = { certificate: given.certificate };
    return token(given, new identity.ClientCertificateCredential(...who(given), pem, chosen));
  },
  "identity assertion": (given) => {
    const assertion = async () => given.assertion;
    return token(given, new identity.ClientAssertionCredential(...who(given), assertion, options(given)));
  },
  "identity device code": (given) => {
    const userPromptCallback = (shown) => ask({ enter: shown.verificationUri, code: shown.userCode });
    const chosen = { ...options(given), tenantId: given.tenant, clientId: given.client, userPromptCallback };
    return token(given, new identity.DeviceCodeCredential(chosen));
  },
  "identity environment": (given) => token(given, new identity.DefaultAzureCredential()),
  "identity on behalf of": (given) => {
    const { tenant: tenantId, client: clientId, secret: clientSecret, assertion: userAssertionToken } = given;
    const chosen = { ...options(given), tenantId, clientId, clientSecret, userAssertionToken };
    return token(given, new identity.OnBehalfOfCredential(chosen));
  },
  "identity managed identity": (given) => token(given, new identity.ManagedIdentityCredential()),
  "openid-client sign in": async (given) => {
    const server = await discovered(given, given.secret);
    const [pkceCodeVerifier, expectedNonce] = [oidc.randomPKCECodeVerifier(), oidc.randomNonce()];
    const expectedState = oidc.randomState();
    const { href } = oidc.buildAuthorizationUrl(server, {
      redirect_uri: BACK,
      scope: "openid profile email",
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      nonce: expectedNonce,
      state: expectedState,
    });
    const back = new URL(`${BACK}?${new URLSearchParams(ask({ visit: href }))}`);
    const tokens = await oidc.authorizationCodeGrant(server, back, { pkceCodeVerifier, expectedNonce, expectedState });
    const claims = tokens.claims();
    const { sub } = await oidc.fetchUserInfo(server, tokens.access_token, oidc.skipSubjectCheck);
    return { claims, subject: sub };
  },
  "jose validate": async (given) => {
    const { jwks_uri } = (await discovered(given)).serverMetadata();
    const keys = jose.createRemoteJWKSet(new URL(jwks_uri));
    const wanted = { issuer: given.issuer, audience: given.audience, algorithms: ["RS256"] };
    return { claims: (await jose.jwtVerify(given.bearer, keys, wanted)).payload };
  },
};

for (;;) {
  const given = hear();
  if (!given.flow) break;
  try {
    say({ outcome: await flows[given.flow](given) });
  } catch (error) {
    const causes = [];
    for (let cause = error; cause; cause = cause.cause) causes.push(cause.message, cause.error_description);
    say({ outcome: { error: error.name, text: causes.join("\n") } });
  }
}
process.exit(0); // connections that are kept alive would hold it

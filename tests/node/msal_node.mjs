// msal-node as a program uses it. The test says which flow, with what; a person acts where one is needed; the outcome
// goes back: whether the token came from the network or the cache, or the error as msal-node throws it.
import * as msal from "@azure/msal-node";
import { ask, hear, say } from "./conversation.mjs";

const GRAPH = ["https://graph.microsoft.com/.default"];
const READ = ["https://graph.microsoft.com/User.Read"];
const ARM = ["https://management.azure.com//user_impersonation"];
const EXCHANGE = ["api://AzureADTokenExchange/.default"];
const BACK = "http://localhost:5000";
const keep = new Map(); // clients stay, so that their caches do

const client = (kind, auth) => {
  const name = JSON.stringify([kind.name, auth]);
  if (!keep.has(name)) keep.set(name, new kind({ auth }));
  return keep.get(name);
};
const web = (given) => client(msal.ConfidentialClientApplication, given.auth);
const tool = (given) => client(msal.PublicClientApplication, given.auth);
const source = (result) => ({ from: result.fromCache ? "cache" : "network", user: result.account?.username });

const flows = {
  async forget() {
    keep.clear();
    return {};
  },
  async client_credentials(given) {
    return source(await web(given).acquireTokenByClientCredential({ scopes: given.scopes ?? GRAPH }));
  },
  async assertion(given) {
    const auth = { ...given.auth, clientAssertion: async () => given.assertion };
    const made = new msal.ConfidentialClientApplication({ auth });
    return source(await made.acquireTokenByClientCredential({ scopes: GRAPH }));
  },
  async refresh_token(given) {
    const result = await web(given).acquireTokenByRefreshToken({
      scopes: READ,
      refreshToken: given.refresh_token,
      forceCache: true,
    });
    return { ...source(result), silent: source(await web(given).acquireTokenSilent({ scopes: ARM, account: result.account })) };
  },
  async authorization_code(given) {
    const { verifier, challenge } = await new msal.CryptoProvider().generatePkceCodes();
    const asked = { scopes: given.scopes ?? READ, redirectUri: BACK };
    const url = await web(given).getAuthCodeUrl({ ...asked, codeChallenge: challenge, codeChallengeMethod: "S256" });
    const { code } = ask({ visit: url });
    const result = await web(given).acquireTokenByCode({ ...asked, code, codeVerifier: given.verifier ?? verifier });
    const silent = await web(given).acquireTokenSilent({ scopes: given.silent ?? ARM, account: result.account });
    return { ...source(result), silent: source(silent) };
  },
  async interactive(given) {
    return source(await tool(given).acquireTokenInteractive({ scopes: given.scopes ?? READ, openBrowser: async (url) => ask({ open: url }) }));
  },
  async device_code(given) {
    const deviceCodeCallback = (shown) => ask({ enter: shown.verificationUri, code: shown.userCode });
    return source(await tool(given).acquireTokenByDeviceCode({ scopes: given.scopes ?? READ, deviceCodeCallback }));
  },
  async password(given) {
    const { username, password } = given;
    return source(await tool(given).acquireTokenByUsernamePassword({ scopes: READ, username, password }));
  },
  async on_behalf_of(given) {
    return source(await web(given).acquireTokenOnBehalfOf({ scopes: READ, oboAssertion: given.assertion }));
  },
  async agent(given) {
    const { auth, agent, username, userObjectId } = given;
    const first = async () => {
      const asked = { scopes: EXCHANGE, fmiPath: agent };
      return (await client(msal.ConfidentialClientApplication, auth).acquireTokenByClientCredential(asked)).accessToken;
    };
    const itself = { clientId: agent, authority: auth.authority, clientAssertion: first };
    const made = new msal.ConfidentialClientApplication({ auth: itself });
    const own = (await made.acquireTokenByClientCredential({ scopes: EXCHANGE })).accessToken;
    const asked = { scopes: READ, assertion: own, username, userObjectId };
    return source(await made.acquireTokenByUserFederatedIdentityCredential(asked));
  },
  async managed_identity(given) {
    Object.assign(process.env, given.environment);
    try {
      const made = new msal.ManagedIdentityApplication();
      return source(await made.acquireToken({ resource: "https://management.azure.com" }));
    } finally {
      for (const name of Object.keys(given.environment)) delete process.env[name];
    }
  },
};

for (;;) {
  const given = hear();
  if (!given.flow) break;
  try {
    say({ outcome: await flows[given.flow](given) });
  } catch (error) {
    const { name, errorCode, errorNo, subError, status, claims } = error;
    say({ outcome: { error: name, errorCode, errorNo, subError, status, claims, text: String(error.message).slice(0, 300) } });
  }
}

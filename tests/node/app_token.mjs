// The shortest program with msal-node: an application's token, from the settings Azure's programs share.
import { ConfidentialClientApplication } from "@azure/msal-node";

const { AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET } = process.env;
const client = new ConfidentialClientApplication({
  auth: {
    clientId: AZURE_CLIENT_ID,
    clientSecret: AZURE_CLIENT_SECRET,
    authority: `https://login.microsoftonline.com/${AZURE_TENANT_ID}`,
  },
});
const { tokenType } = await client.acquireTokenByClientCredential({ scopes: ["https://graph.microsoft.com/.default"] });
console.log(tokenType);

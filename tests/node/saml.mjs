// A website that signs people in with SAML 2.0 by node-saml, and one with WS-Federation, whose token xml-crypto verifies.
// The test says which flow, with what; a person acts where one is needed; the outcome goes back.
import { SAML } from "@node-saml/node-saml";
import { DOMParser } from "@xmldom/xmldom";
import { SignedXml } from "xml-crypto";
import { ask, hear, say } from "./conversation.mjs";

const BACK = "http://localhost:5000/signed-in";
const METADATA = "/FederationMetadata/2007-06/FederationMetadata.xml";
const pem = (body) => `-----BEGIN CERTIFICATE-----\n${body.match(/.{1,64}/g).join("\n")}\n-----END CERTIFICATE-----\n`;

// What the tenant publishes: its certificates and its endpoints.
const published = async (given) => {
  const text = await (await fetch(`${given.authority}/${given.tenant}${METADATA}`)).text();
  const document = new DOMParser().parseFromString(text, "text/xml");
  const all = (name) => Array.from(document.getElementsByTagName(name));
  const role = all("IDPSSODescriptor")[0];
  const keys = Array.from(role.getElementsByTagName("X509Certificate"), (key) => key.textContent);
  return {
    issuer: document.documentElement.getAttribute("entityID"),
    entryPoint: all("SingleSignOnService")[0].getAttribute("Location"),
    passive: all("wsa:Address")[0].textContent,
    keys,
  };
};

const verified = (text, keys) => {
  const [node] = Array.from(new DOMParser().parseFromString(text, "text/xml").getElementsByTagName("Assertion"));
  const [signature] = Array.from(node.getElementsByTagName("ds:Signature"));
  return keys.some((key) => {
    const check = new SignedXml({ publicCert: pem(key) });
    check.loadSignature(signature);
    try {
      return check.checkSignature(text);
    } catch {
      return false;
    }
  });
};

const flows = {
  saml: async (given) => {
    const { issuer: idpIssuer, entryPoint, keys } = await published(given);
    const site = new SAML({
      idpCert: keys.map(pem),
      idpIssuer,
      entryPoint,
      issuer: given.identifier,
      audience: given.audience ?? given.identifier,
      callbackUrl: BACK,
      wantAuthnResponseSigned: false,
      disableRequestedAuthnContext: true,
      validateInResponseTo: "always",
      identifierFormat: given.format ?? null,
      passive: given.passive ?? false,
    });
    const fields = ask({ visit: await site.getAuthorizeUrlAsync("the-state", undefined, {}) });
    if (given.replace) {
      const [before, after] = given.replace;
      const text = Buffer.from(fields.SAMLResponse, "base64").toString();
      fields.SAMLResponse = Buffer.from(text.replace(before, after)).toString("base64");
    }
    const { profile } = await site.validatePostResponseAsync(fields);
    return { profile, state: fields.RelayState };
  },
  wsfed: async (given) => {
    const { issuer, passive, keys } = await published(given);
    const query = { wa: "wsignin1.0", wtrealm: given.identifier, wreply: BACK, wctx: "the-state" };
    const fields = ask({ visit: `${passive}?${new URLSearchParams(query)}` });
    const text = given.replace ? fields.wresult.replace(...given.replace) : fields.wresult;
    const document = new DOMParser().parseFromString(text, "text/xml");
    const [name, audience, from] = ["NameID", "Audience", "Issuer"].map(
      (tag) => document.getElementsByTagName(tag)[0].textContent,
    );
    return { name, audience, trusted: verified(text, keys) && from === issuer, state: fields.wctx, action: fields.wa };
  },
};

for (;;) {
  const given = hear();
  if (!given.flow) break;
  try {
    say({ outcome: await flows[given.flow](given) });
  } catch (error) {
    say({ outcome: { error: error.name, text: error.message } });
  }
}
process.exit(0); // connections that are kept alive would hold it

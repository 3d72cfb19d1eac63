"""Client credentials from settings: a secret, a certificate, a key in a store of its own, or an assertion.

The highest layer that names any of them decides: a certificate of the profile does not combine with a secret of the
environment. Paths in a profile are relative to its folder.
"""

from __future__ import annotations

from functools import partial
from urllib.parse import unquote

from mstoken import credentials
from mstoken.errors import UsageError
from mstoken.redaction import shown
from mstoken.texts import closest_match, did_you_mean
from mstoken.typed import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mstoken.credentials import (
        AgentIdentity,
        AgentUser,
        AssertionSource,
        AzureCli,
        AzureDeveloperCli,
        AzurePowerShell,
        ClientCertificate,
        ClientCredential,
        ClientKey,
        FmiPath,
        ManagedIdentity,
    )

PROOFS = ("client_secret", "client_certificate", "client_assertion", "client_key")
"""The settings for a client credential. An application has one of them."""

ASSERTIONS = (
    "github, azure-pipelines[:CONNECTION], kubernetes, managed-identity[:CLIENT_ID], file:PATH, env:NAME or "
    "command:CMD ARGS"
)
TOOLS = ("azure-cli", "azure-powershell", "azure-developer-cli")
"""Values of a profile's `developer_tool`."""
MACHINE_IDS = ("client_id", "object_id", "resource_id")
KEYS = "pkcs11:token=LABEL;object=LABEL?module-path=PATH&pin-source=env:NAME"

SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off", ""), False),
}
"""The spellings of a setting that is true or false, in lower case."""

_URI_PATH = ("token", "object", "id", "type")
_URI_QUERY = ("module-path", "pin-source", "pin-value")
"""Attributes of a PKCS#11 URI that mstoken knows. Another one could name another key, so it is refused."""


def chosen(layers: Sequence[Mapping[str, str]]) -> tuple[str, Mapping[str, str]]:
    """Return the setting of the client credential and the layer it is in; ('', {}) for a public client.

    Raises UsageError for a profile with two of them. In the environment the secret takes precedence, as in the Azure
    SDKs.
    """
    for number, layer in enumerate(layers):
        found = [name for name in PROOFS if layer.get(name)]
        if len(found) > 1 and number == len(layers) - 1:
            raise UsageError(
                f"The profile has two credentials for the application: {' and '.join(found)}.", "Keep only one."
            )
        if found:
            return found[0], layer
    return "", {}


def client_proof(name: str, layer: Mapping[str, str], environ: Mapping[str, str], folder: str) -> ClientCredential:
    """Return the credential for the setting `name` of `layer`. A profile's relative paths start at `folder`.

    Raises UsageError for a broken reference and for invalid values.
    """
    match name:
        case "client_certificate":
            return _certificate(layer, environ, folder)
        case "client_assertion":
            return credentials.ClientAssertion(_source(layer[name], environ, folder))
        case "client_key":
            return _key(layer, environ, folder)
        case _:
            return credentials.ClientSecret(_secret(layer[name], environ, folder))


def acting(
    client: ClientCredential, settings: Mapping[str, str]
) -> ClientCredential | FmiPath | AgentIdentity | AgentUser:
    """Return the application itself, or the agent, the agent's user or the federated identity in the settings."""
    agent, user, path = (settings.get(name, "") for name in ("agent", "agent_user", "fmi_path"))
    if agent:
        identity = credentials.AgentIdentity(client, agent)
        if not user:
            return identity
        named = {"username": user} if "@" in user else {"user_id": user}
        return credentials.AgentUser(identity, **named)
    if user:
        raise UsageError("agent_user needs an agent, and none is set.", "Set the agent's application ID too: agent = …")
    return credentials.FmiPath(client, path) if path else client


def for_callers(
    client: ClientCredential | None, settings: Mapping[str, str]
) -> ClientCredential | AgentIdentity | None:
    """Return the web API, or its agent, that acts for its caller. Raises UsageError for settings that do not fit."""
    if client is None:
        return None
    acts = acting(client, settings)
    if isinstance(acts, credentials.ClientCredential | credentials.AgentIdentity):
        return acts
    raise UsageError(
        "user_assertion needs an application or an agent; it cannot be combined with agent_user or fmi_path.",
        "Leave one out.",
    )


def machine(text: str) -> ManagedIdentity:
    """Return a profile's `managed_identity`: `system`, or a user-assigned one by an id. Raises UsageError."""
    kind, _, identity = text.partition(":")
    if text == "system":
        return credentials.ManagedIdentity()
    if kind not in MACHINE_IDS or not identity.strip():
        raise UsageError(
            f"managed_identity is not valid: {shown(text)!r}.",
            f"Write system, or {' or '.join(f'{known}:ID' for known in MACHINE_IDS)}.",
        )
    named = {known: identity.strip() if known == kind else "" for known in MACHINE_IDS}
    return credentials.ManagedIdentity(named["client_id"], named["object_id"], named["resource_id"])


def developer_tool(name: str, subscription: str) -> AzureCli | AzurePowerShell | AzureDeveloperCli:
    """Return a profile's `developer_tool`. Raises UsageError for an unknown one, or a subscription it cannot select."""
    if name == "azure-cli":
        return credentials.AzureCli(subscription)
    if name not in TOOLS:
        hint = did_you_mean(closest_match(name, TOOLS))
        raise UsageError(
            f"developer_tool names none that mstoken knows: {shown(name)!r}.", f"{hint}Write one of {', '.join(TOOLS)}."
        )
    if subscription:
        raise UsageError(f"{name} cannot select a subscription.", "Remove subscription; name a tenant instead.")
    return credentials.AzurePowerShell() if name == "azure-powershell" else credentials.AzureDeveloperCli()


def _certificate(layer: Mapping[str, str], environ: Mapping[str, str], folder: str) -> ClientCertificate | ClientKey:
    store, _, thumbprint = layer["client_certificate"].partition(":")
    if store == "store":
        return _of_the_store(thumbprint, layer)
    password, key = layer.get("client_certificate_password", ""), layer.get("client_certificate_key", "")
    return credentials.ClientCertificate(
        _located(layer["client_certificate"], folder),
        password=_secret(password, environ, folder) if password else "",
        key_path=_located(key, folder) if key else "",
        send_chain=_sends_chain(layer),
        algorithm=_algorithm(layer),
    )


def _of_the_store(thumbprint: str, layer: Mapping[str, str]) -> ClientKey:
    """Return a certificate of the system's store. Raises UsageError beside settings of a file."""
    from mstoken.keys.certificate_store import StoreKey

    for name in ("client_certificate_password", "client_certificate_key"):
        if layer.get(name):
            raise UsageError(f"A certificate of the store needs no {name}.", "Remove it, or name a file.")
    key = StoreKey(thumbprint)
    chain = _sends_chain(layer)
    return credentials.ClientKey(key, key.certificate, send_chain=chain, algorithm=_algorithm(layer))


def _sends_chain(layer: Mapping[str, str]) -> bool:
    """Return whether to send the certificate chain. Raises UsageError for a variable that is neither true nor false."""
    text = layer.get("send_certificate_chain", "").strip()
    if text.lower() not in SWITCH:
        raise UsageError(
            f"AZURE_CLIENT_SEND_CERTIFICATE_CHAIN is neither true nor false: {shown(text)!r}.",
            "Set it to true or false, or unset it.",
        )
    return SWITCH[text.lower()]


def _algorithm(layer: Mapping[str, str]) -> Literal["PS256", "RS256"]:
    """Return the algorithm as given; the credential itself refuses any other than these two."""
    return cast('Literal["PS256", "RS256"]', layer.get("client_algorithm", "PS256").upper())


def _source(text: str, environ: Mapping[str, str], folder: str) -> AssertionSource:
    kind, _, rest = text.partition(":")
    match kind:
        case "github" if not rest:
            return credentials.GitHubActions()
        case "azure-pipelines":
            return credentials.AzurePipelines(rest)
        case "kubernetes" if not rest:
            return credentials.FileAssertion()
        case "managed-identity":
            return credentials.TokenAssertion(credentials.ManagedIdentity(rest))
        case "file" if rest:
            return credentials.FileAssertion(_located(rest, folder))
        case "env" | "command" | "keyring" if rest:
            from mstoken.config.secret_references import resolve

            return credentials.CallbackAssertion(partial(resolve, text, environ, folder))
    raise UsageError("client_assertion does not name a source of assertions.", f"Write {ASSERTIONS}.")


def _key(layer: Mapping[str, str], environ: Mapping[str, str], folder: str) -> ClientKey:
    """Return a key named by a PKCS#11 URI (RFC 7512). Its certificate comes from a file, else from the key's token."""
    from mstoken.keys.files import read_bytes
    from mstoken.keys.pkcs11 import Pkcs11Key

    scheme, _, rest = layer["client_key"].partition(":")
    path, _, query = rest.partition("?")
    if scheme != "pkcs11":
        raise UsageError("client_key is not a PKCS#11 URI.", f"Write {KEYS}.")
    parts = {**_pairs(path, ";", _URI_PATH), **_pairs(query, "&", _URI_QUERY)}
    if parts.get("type", "private") != "private":
        raise UsageError("client_key does not name a private key: its type is not private.", f"Write {KEYS}.")
    if "pin-value" in parts:
        raise UsageError("A PIN does not belong in client_key.", "Say where it is: pin-source=env:NAME")
    if not parts.get("module-path") or not parts.get("token"):
        raise UsageError("client_key has no token or no module-path.", f"Write {KEYS}.")
    source = parts.get("pin-source", "")
    key = Pkcs11Key(
        parts["module-path"],
        parts["token"],
        parts.get("object", ""),
        parts["id"].encode("latin-1", "replace").hex() if parts.get("id") else "",
        _secret(source, environ, folder) if source else "",
    )
    certificate = layer.get("client_key_certificate", "")
    certificate_source = partial(read_bytes, _located(certificate, folder)) if certificate else key.certificate
    chain = _sends_chain(layer)
    return credentials.ClientKey(key, certificate_source, send_chain=chain, algorithm=_algorithm(layer))


def _pairs(text: str, separator: str, known: Sequence[str]) -> dict[str, str]:
    """Return the attributes of a PKCS#11 URI; `id` is bytes, percent-encoded (RFC 7512 section 2.3).

    Raises UsageError for one that is unknown, without a value, given twice (section 2.3 forbids it) or not UTF-8.
    """
    pairs: dict[str, str] = {}
    for name, sign, value in (part.partition("=") for part in text.split(separator) if part):
        if name not in known or not sign or name in pairs:
            problem = "twice" if name in pairs else "without a value" if name in known else "which is unknown"
            raise UsageError(f"client_key has the attribute {shown(name)!r}, {problem}.", f"Write {KEYS}.")
        try:
            pairs[name] = unquote(value, "latin-1" if name == "id" else "utf-8", "strict")
        except UnicodeDecodeError:
            raise UsageError(f"{name} of client_key is not UTF-8 text.", "Percent-encode it as UTF-8.") from None
    return pairs


def _located(path: str, folder: str) -> str:
    if not folder:
        return path
    from pathlib import Path

    return str(Path(folder) / Path(path).expanduser())


def _secret(text: str, environ: Mapping[str, str], folder: str) -> str:
    """Return the secret: in a profile `text` is a reference, in the environment (no folder) the secret itself."""
    if not folder:
        return text
    from mstoken.config.secret_references import resolve

    return resolve(text, environ, folder)

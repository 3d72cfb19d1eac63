"""Git's credential protocol, for Azure Repos: the helper prints an access token where Git expects a password.

Git starts `HELPER get|store|erase` with `key=value` lines on standard input, up to an empty line. Since Git 2.46 it
offers `capability[]=authtype`, and sends the token as `Authorization: Bearer`; before, the token is the password of
Basic authentication, which Azure Repos accepts. Sources: git-scm.com/docs/git-credential and /docs/gitcredentials;
Git Credential Manager 2.9, Microsoft.AzureRepos.
"""

from __future__ import annotations

import re

from mstoken.errors import UsageError
from mstoken.rest.devops import forget_organization, tenant_of_challenge
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from mstoken.flows.store_port import AccessTokenStore
    from mstoken.model import Token

SERVICE = "ado"
"""The catalog's name of the resource."""
CAPABILITIES = b"version 0\ncapability authtype\ncapability state\n"
"""The answer to the operation `capability`."""

_STATE = "mstoken.tenant="
_DEVOPS, _OF_ORGANIZATION = "dev.azure.com", ".visualstudio.com"
_SEGMENT = re.compile(r"[^/?#\s]+")


@value
class GitRequest:
    """What Git says of the credential that it needs, has used or was refused with.

    `secret` is the refused or accepted password or token. `challenges` are the server's WWW-Authenticate headers.
    """

    protocol: str = ""
    host: str = ""
    path: str = ""
    username: str = ""
    secret: str = field(default="", secret=True)
    challenges: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    @property
    def organization_url(self) -> str:
        """The URL of the organization on Azure DevOps; '' for another host, whose credentials are not ours.

        On dev.azure.com the path has the organization's name, if Git sends one (`credential.useHttpPath`), or the
        user name of the URL that the portal shows for cloning.
        """
        host = self.host.lower().removesuffix(":443")
        if host == _DEVOPS:
            found = _SEGMENT.match(self.path) or _SEGMENT.fullmatch(self.username)
            return f"https://{host}/{found[0] if found and '@' not in found[0] else ''}"
        return f"https://{host}/" if host.endswith(_OF_ORGANIZATION) and ":" not in host else ""

    @property
    def tenant(self) -> str:
        """The tenant that the helper's earlier state or the server names; '' if neither does."""
        states = (state.removeprefix(_STATE) for state in self.states if state.startswith(_STATE))
        return next(filter(None, (*states, *map(tenant_of_challenge, self.challenges))), "")


def parse(content: bytes) -> GitRequest:
    """Parse Git's description of a credential. Keys that are not known are ignored, as Git's documentation demands.

    An empty value of a key that may be repeated discards its earlier ones. Raises UsageError for a line without `=`.
    """
    values: dict[str, list[str]] = {}
    for line in content.decode(errors="surrogateescape").split("\n"):
        if not line:
            break
        key, equals, text = line.partition("=")
        if not equals:
            raise UsageError("Standard input is not what Git sends: a line has no =.", "Let Git start this command.")
        if key.endswith("[]"):
            values[key] = [*values.get(key, ()), text] if text else []
        else:
            values[key] = [text]
    single = {key: texts[-1] for key, texts in values.items() if texts}
    return GitRequest(
        single.get("protocol", ""),
        single.get("host", ""),
        single.get("path", ""),
        single.get("username", ""),
        single.get("credential", "") or single.get("password", ""),
        tuple(values.get("wwwauth[]", ())),
        tuple(values.get("capability[]", ())),
        tuple(values.get("state[]", ())),
    )


def answer(request: GitRequest, token: Token, username: str, tenant: str) -> bytes:
    """Return the lines that hand `token` to Git, as a Bearer token if Git offers that, else as a password.

    Git ignores the username of Azure Repos; `username` is for people who read its output.
    """
    lines: list[tuple[str, str]] = []
    bearer = "authtype" in request.capabilities
    with_state = "state" in request.capabilities and tenant
    lines += [("capability[]", "authtype")] if bearer else []
    lines += [("capability[]", "state")] if with_state else []
    if bearer:
        lines += [("authtype", "Bearer"), ("credential", token.token), ("ephemeral", "1")]
    else:
        lines += [("username", request.username or username), ("password", token.token)]
    lines.append(("password_expiry_utc", str(token.expires_on)))
    lines += [("state[]", f"{_STATE}{tenant}")] if with_state else []
    return "".join(f"{key}={text}\n" for key, text in lines).encode(errors="surrogateescape")


def stop() -> bytes:
    """Return the line with which Git asks neither another helper nor the user."""
    return b"quit=1\n"


def erase(request: GitRequest, tokens: AccessTokenStore) -> None:
    """Delete the refused token and the organization's remembered tenant, so that the next `get` requests a new one.

    Raises StoreError if the store is unavailable.
    """
    forget_organization(request.organization_url, tokens)
    forget_refused(tokens, request.secret)


def forget_refused(tokens: AccessTokenStore, secret: str) -> None:
    """Delete the cached token `secret`, whoever's it is. Raises StoreError if the store is unavailable."""
    import hmac

    for cached in tokens.tokens() if secret else ():
        token = tokens.load(cached.key)
        if token is not None and hmac.compare_digest(token.token.encode(), secret.encode(errors="surrogateescape")):
            tokens.delete(cached.key)

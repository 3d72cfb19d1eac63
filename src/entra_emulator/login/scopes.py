"""Reading the scope parameter.

Source: learn.microsoft.com/entra/identity-platform/scopes-oidc, "The .default scope" and "Trailing slash and .default".
"""

from dataclasses import dataclass

from entra_emulator.aadsts import EntraError
from entra_emulator.parameters import Parameters
from entra_emulator.resources import GRAPH, find_first_party

OIDC = frozenset({"openid", "profile", "email", "offline_access"})
DEFAULT = ".default"


@dataclass(frozen=True)
class RequestedScope:
    """What a scope parameter requests of one resource: permissions `names` of `resource`, and OpenID scopes.

    `resource` is the text before the last slash, so `https://management.azure.com//.default` names the resource
    `https://management.azure.com/`. It is None for scopes without a resource, which are Microsoft Graph's.
    """

    text: str
    resource: str | None
    names: tuple[str, ...]
    oidc: frozenset[str]

    @property
    def default(self) -> bool:
        """Whether everything that was consented to is requested."""
        return DEFAULT in self.names

    def qualified(self, name: str) -> str:
        """Return a permission as the response's `scope` writes it: with the resource as in the request."""
        return name if self.resource is None else f"{self.resource}/{name}"


def parse(text: str) -> RequestedScope:
    """Read a scope parameter for which a token is issued: it may name one resource.

    :raises EntraError: 28000 for two resources, 70011 for text that is not a scope or for `.default` beside names.
    """
    requests = parse_all(text)
    if len(requests) > 1:
        raise EntraError(28000, scope=text)
    return requests[0]


def parse_all(text: str) -> list[RequestedScope]:
    """Read a scope parameter that asks for consent: one request for each resource, at least one.

    Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow: the authorization request may cover
    several resources.

    :raises EntraError: 70011 for text that is not a scope, or for `.default` beside names of the same resource.
    """
    words = list(dict.fromkeys(text.split()))
    pairs = [_split(word, text) for word in words if word.lower() not in OIDC]
    oidc = frozenset(word.lower() for word in words if word.lower() in OIDC)
    oidc |= {name.lower() for resource, name in pairs if _is_openid_of_graph(resource, name)}
    by_resource: dict[str, tuple[str | None, list[str]]] = {}
    for resource, name in pairs:
        _, names = by_resource.setdefault((resource or "").lower().rstrip("/"), (resource, []))
        if not _is_openid_of_graph(resource, name):
            names.append(name)
    for _, names in by_resource.values():
        if DEFAULT in names and len(names) > 1:
            raise EntraError(70011, scope=text)
    return [RequestedScope(text, resource, tuple(names), oidc) for resource, names in by_resource.values()] or [
        RequestedScope(text, None, (), oidc)
    ]


def _is_openid_of_graph(resource: str | None, name: str) -> bool:
    """OpenID's scopes are permissions of Microsoft Graph, and may be written with its identifier."""
    if name.lower() not in OIDC or resource is None:
        return False
    found = find_first_party(resource, None)
    return found is not None and found.app_id == GRAPH


def check_resource_parameter(form: Parameters) -> None:
    """`resource` (RFC 8707) at v2.0 has to be, character by character, the resource that every scope names.

    Without a scope Entra does not look at it. Source: reports of MCP clients since March 2026, such as
    modelcontextprotocol/typescript-sdk#1968 (a trailing slash) and anthropics/claude-code#52871 (OpenID scopes only).

    :raises EntraError: 9010010.
    """
    words = form.get("scope").split()
    if "resource" in form and words:
        prefixes = {word.rpartition("/")[0] for word in words if word.lower() not in OIDC}
        if prefixes != {form["resource"]}:
            raise EntraError(9010010)


def parse_app_only(text: str) -> RequestedScope:
    """Read the scope parameter of client credentials: exactly one `<resource>/.default`.

    OpenID scopes beside it are allowed and mean nothing: MSAL for Go sends them.

    :raises EntraError: 70011 for several scopes, 1002012 for one that does not end in /.default.
    """
    words = [word for word in text.split() if word.lower() not in OIDC]
    if len(words) > 1:
        raise EntraError(70011, scope=text)
    resource, slash, name = (words[0] if words else "").rpartition("/")
    if not slash or not resource or name != DEFAULT:
        raise EntraError(1002012, scope=words[0] if words else text)
    return RequestedScope(text, resource, (DEFAULT,), frozenset())


def _split(word: str, text: str) -> tuple[str | None, str]:
    if "/" not in word:
        return None, word
    resource, _, name = word.rpartition("/")
    if not name or not resource or resource.endswith(":/"):
        raise EntraError(70011, scope=text)
    return resource, name

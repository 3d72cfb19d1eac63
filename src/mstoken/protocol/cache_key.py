"""The name under which a token is kept: the same for everyone who asks the same question."""

from __future__ import annotations

from mstoken.credentials import (
    AgentIdentity,
    AgentUser,
    AuthorizationCode,
    Browser,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    DeviceCode,
    FmiPath,
    ManagedIdentity,
    OnBehalfOf,
    Password,
    RefreshToken,
)
from mstoken.fingerprints import fingerprint_of
from mstoken.model import TokenInfo
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import Credential, SignIn
    from mstoken.model import TokenRequest

_SEPARATOR = "\x1f"


def digest(*parts: str) -> str:
    """A short fingerprint of the parts, safe as a file name; it cannot be turned back."""
    return fingerprint_of(_SEPARATOR.join(parts).encode())


def cache_key(request: TokenRequest) -> str:
    """The key of the request's token: authority, client, whose it is, scopes, claims, capability, bound key.

    Scopes are a set and compare without case, as Entra treats them. A secret is no part of it: a new secret of the
    same application gives the same token.
    """
    return digest(
        request.authority.token_endpoint.lower(),
        request.client_id.lower(),
        cache_partition(request.credential),
        " ".join(sorted({scope.lower() for scope in request.scopes})),
        request.claims,
        "cp1" if request.enable_cae else "",
        *([request.key_id] if request.key_id else []),
    )


def cache_partition(credential: Credential) -> str:
    """Whose token it is: the application's, one of its agents', or that of one user."""
    match credential:
        case ClientSecret() | ClientCertificate() | ClientKey() | ClientAssertion():
            whose = "app"
        case RefreshToken():
            whose = refresh_token_key(credential)
        case Browser() | DeviceCode() | AuthorizationCode() | Password():
            whose = f"account:{credential.account}" if credential.account else f"person:{_person(credential)}"
        case OnBehalfOf(assertion, client):
            called = digest(assertion) if assertion else ""
            whose = f"on behalf of:{called}:{digest(credential.session_key) if credential.session_key else ''}"
            whose += f":{cache_partition(client)}" if isinstance(client, AgentIdentity) else ""
        case FmiPath(_, path):
            whose = f"fmi:{path}"
        case AgentIdentity():
            whose = f"agent:{credential.agent_id.lower()}"
        case AgentUser(agent, username, user_id):
            whose = f"{cache_partition(agent)}:user:{(username or user_id).lower()}"
        case ManagedIdentity():
            whose = _of_machine(credential)
        case _:
            whose = "app"
    return whose


_ENDPOINTS = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "AZURE_POD_IDENTITY_AUTHORITY_HOST")


def _of_machine(credential: ManagedIdentity) -> str:
    """A user-assigned identity by its id, a system-assigned one by its machine; both by where they are asked for.

    The endpoint's secret is part of it: in Service Fabric and App Service that is what tells applications apart.
    """
    kind, value = credential.named_by
    place = (credential.environment.get(name, "") for name in _ENDPOINTS)
    return digest("managed identity", kind, value.lower() or credential.machine, credential.source, *place)


def refresh_token_key(credential: RefreshToken) -> str:
    """Where the vault keeps this sign-in's refresh token: by account name, else by a fingerprint of the first one."""
    return f"account:{credential.account}" if credential.account else f"value:{digest(credential.value)}"


def sign_in_name(request: TokenRequest, credential: SignIn) -> str:
    """The account under which a sign-in is kept: its own name, else one made of person, client and sign-in host."""
    return credential.account or " ".join(filter(None, (_person(credential), request.client_id, _host(request))))


def family_name(family: str, request: TokenRequest, credential: SignIn) -> str:
    """The account under which a family of clients shares a person's sign-in; '' for one that is not to be shared.

    Whoever names an account, or brings a code of a web application's user, means that sign-in and no other's.
    """
    if credential.account or isinstance(credential, AuthorizationCode):
        return ""
    return " ".join(filter(None, ("family", family, _person(credential), _host(request))))


def session_name(credential: OnBehalfOf) -> str:
    """The account under which an on-behalf-of session is kept; of its key only a fingerprint."""
    return f"session {digest(credential.session_key)}"


def _person(credential: SignIn) -> str:
    match credential:
        case Browser():
            return credential.login_hint.lower()
        case Password():
            return credential.username.lower()
        case AuthorizationCode():
            return f"code {digest(credential.code)}"
        case DeviceCode():
            return ""


def _host(request: TokenRequest) -> str:
    return request.authority.origin.partition("://")[2]


def token_info(request: TokenRequest) -> TokenInfo:
    """What the request's token is, for people to read."""
    credential, account, client_id = request.credential, "", request.client_id
    match credential:
        case ClientSecret() | ClientCertificate() | ClientKey() | ClientAssertion():
            pass
        case RefreshToken():
            account = refresh_token_key(credential).removeprefix("account:")
        case Browser() | DeviceCode() | AuthorizationCode() | Password():
            account = sign_in_name(request, credential)
        case OnBehalfOf(_, client):
            account = session_name(credential) if credential.session_key else ""
            client_id = client.agent_id if isinstance(client, AgentIdentity) else client_id
        case AgentIdentity() | AgentUser():
            account = cache_partition(credential)
    authority = request.authority
    where = authority.token_url or authority.origin
    return TokenInfo(where, authority.tenant, client_id, account, " ".join(request.scopes))


def resource_of(scope: str) -> str:
    """The resource in a scope, as the scope writes it; '' where it names none."""
    return scope.rpartition("/")[0]

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
from mstoken.fingerprints import fingerprint_of, fingerprint_of_parts
from mstoken.model import TokenInfo
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import Credential, SignIn
    from mstoken.model import Authority, TokenRequest


def digest(text: str) -> str:
    """A short fingerprint of one secret or name, safe as a file name; it cannot be turned back."""
    return fingerprint_of(text.encode("utf-8", "surrogatepass"))


def cache_key(request: TokenRequest) -> str:
    """The key of the request's token: authority, client, whose it is, scopes, claims, capability, bound key.

    Scopes are a set. Letter case counts at a standard OAuth server and not at Entra. A secret is no part of the key: a
    new secret of the same application gives the same token.
    """
    scopes = {request.authority.spelled(scope) for given in request.scopes for scope in given.split(" ")}
    return fingerprint_of_parts(
        *client_parts(request),
        cache_partition(request.credential, request.authority),
        " ".join(sorted(scopes)),
        request.claims,
        "cp1" if request.enable_cae else "",
        *([request.key_id] if request.key_id else []),
    )


def client_parts(request: TokenRequest) -> tuple[str, str, str]:
    """Authority, tenant and client id, as they are compared."""
    authority = request.authority
    return authority.place, authority.spelled(authority.tenant), authority.spelled(request.client_id)


def name_of(*parts: str) -> str:
    """Parts as one readable name; different parts never give the same name."""
    return ":".join(part.replace("\\", r"\\").replace(":", r"\:") for part in parts)


def cache_partition(credential: Credential, authority: Authority) -> str:
    """Whose token it is: the application's, one of its agents', or that of one user."""
    match credential:
        case ClientSecret() | ClientCertificate() | ClientKey() | ClientAssertion():
            whose = "app"
        case RefreshToken():
            whose = refresh_token_key(credential)
        case Browser() | DeviceCode() | AuthorizationCode() | Password():
            named = credential.account
            whose = f"account:{named}" if named else f"person:{_person(credential, authority)}"
        case OnBehalfOf(assertion, client):
            called = digest(assertion) if assertion else ""
            whose = f"on behalf of:{called}:{digest(credential.session_key) if credential.session_key else ''}"
            whose += f":{cache_partition(client, authority)}" if isinstance(client, AgentIdentity) else ""
        case FmiPath(_, path):
            whose = f"fmi:{path}"
        case AgentIdentity():
            whose = name_of("agent", authority.spelled(credential.agent_id))
        case AgentUser(agent, username, user_id):
            user = ("user", username) if username else ("user id", user_id)
            whose = name_of(*map(authority.spelled, ("agent", agent.agent_id, *user)))
        case ManagedIdentity():
            whose = _of_machine(credential)
        case _:
            whose = "app"
    return whose


_ENDPOINTS = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
)


def _of_machine(credential: ManagedIdentity) -> str:
    """A user-assigned identity by its id, a system-assigned one by its machine; both by where they are asked for.

    The endpoint's secret is part of it: in Service Fabric and App Service that is what tells applications apart.
    """
    kind, value = credential.named_by
    place = (credential.environment.get(name, "") for name in _ENDPOINTS)
    identity = value.lower() or credential.machine
    return fingerprint_of_parts("managed identity", kind, identity, credential.source, *place)


def refresh_token_key(credential: RefreshToken) -> str:
    """Where the vault keeps this sign-in's refresh token: by account name, else by a fingerprint of the first one."""
    return f"account:{credential.account}" if credential.account else f"value:{digest(credential.value)}"


def sign_in_name(request: TokenRequest, credential: SignIn) -> str:
    """The account under which a sign-in is kept: its own name, else one made of person, client and sign-in host."""
    return credential.account or _spaced(_person(credential, request.authority), request.client_id, _host(request))


def family_name(family: str, request: TokenRequest, credential: SignIn) -> str:
    """The account under which a family of clients shares a person's sign-in; '' for one that is not to be shared.

    Whoever names an account, or brings a code of a web application's user, means that sign-in and no other's.
    """
    if credential.account or isinstance(credential, AuthorizationCode):
        return ""
    return _spaced("family", family, _person(credential, request.authority), _host(request))


def session_name(credential: OnBehalfOf) -> str:
    """The account under which an on-behalf-of session is kept; of its key only a fingerprint."""
    return f"session {digest(credential.session_key)}"


def _spaced(*parts: str) -> str:
    """The parts that are not empty with a space between them, their own spaces percent-encoded."""
    return " ".join(part.replace("%", "%25").replace(" ", "%20") for part in parts if part)


def _person(credential: SignIn, authority: Authority) -> str:
    match credential:
        case Browser():
            return authority.spelled(credential.login_hint)
        case Password():
            return authority.spelled(credential.username)
        case AuthorizationCode():
            return f"code-{digest(credential.code)}"
        case DeviceCode():
            return ""


def _host(request: TokenRequest) -> str:
    """The sign-in host; of a standard OAuth server with its path, since one host may serve several realms."""
    return request.authority.place.partition("://")[2]


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
            account = cache_partition(credential, request.authority)
    authority = request.authority
    return TokenInfo(authority.place, authority.tenant, client_id, account, " ".join(request.scopes))


def resource_of(scope: str) -> str:
    """The resource in a scope, as the scope writes it; '' where it names none."""
    return scope.rpartition("/")[0]

"""Users who sign in. Each sign-in leaves a refresh token in the client's stores, which serves from then on.

`account` is the name under which it is stored; without one, a name made of user, client and sign-in host.
"""

from __future__ import annotations

from abc import abstractmethod

from mstoken.credentials.base import BaseCredential, spaced_name
from mstoken.errors import UsageError
from mstoken.fingerprints import fingerprint_of_text
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mstoken.authority import Authority
    from mstoken.credentials.client import ClientCredential

BROWSER_TIMEOUT_IN = 300.0
"""Seconds a user has to sign in in a browser, unless the credential says otherwise."""

PROMPTS = ("", "login", "select_account", "consent", "create")
"""Values of `prompt`; `none` would be no sign-in. Source: v2-oauth2-auth-code-flow."""


class BaseSignIn(BaseCredential, abstract=True):
    """What all sign-ins state besides: who signs in, and whether other clients may share the sign-in."""

    __slots__ = ()

    account: str

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        super().__init_subclass__(abstract=abstract)
        if "user" not in vars(cls) or "shared_by_family" not in vars(cls):
            raise TypeError(f"{cls.__name__} does not state user and shared_by_family")

    @property
    @abstractmethod
    def shared_by_family(self) -> bool:
        """Whether a family of clients (`foci`) may share the sign-in, where no account is named."""

    @abstractmethod
    def user(self, authority: Authority) -> str:
        """Who signs in, as far as the credential says; '' where it does not."""

    def family_account(self, family: str, authority: Authority) -> str:
        """The account under which a family of clients shares the user's sign-in; '' where it is not shared.

        A credential that names an account, or a code of a web application's user, means that sign-in and no other.
        """
        if self.account or not self.shared_by_family:
            return ""
        return spaced_name("family", family, self.user(authority), _host(authority))


def _sign_in_partition(self: BaseSignIn, authority: Authority) -> str:
    return f"account:{self.account}" if self.account else f"person:{self.user(authority)}"


def _sign_in_account(self: BaseSignIn, authority: Authority, client_id: str) -> str:
    return self.account or spaced_name(self.user(authority), client_id, _host(authority))


def _host(authority: Authority) -> str:
    """The sign-in host; of a standard OAuth server with its path, since one host may serve several realms."""
    return authority.base_url.partition("://")[2]


@value
class Browser(BaseSignIn):
    """A user at the system's browser: authorization code with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).

    The application needs the redirect URI `http://localhost` under "Mobile and desktop applications", which covers
    every `port`; 0 takes a free one. `prompt` is one of PROMPTS; `timeout_in` is in seconds. `show` gets the URL, so
    that you can print it; without it, the URL goes to standard error when no browser could be opened. `paste` also
    reads the address that the browser ended at from the terminal, for machines without a browser, such as over SSH.
    `open_browser` opens the URL in your own way and returns whether it could. Under AsyncClient both functions may be
    async.
    """

    account: str = ""
    client: ClientCredential | None = None
    login_hint: str = ""
    domain_hint: str = ""
    prompt: str = ""
    timeout_in: float = BROWSER_TIMEOUT_IN
    port: int = 0
    paste: bool = False
    show: Callable[[str], Awaitable[None] | None] | None = field(default=None, repr=False, compare=False)
    open_browser: Callable[[str], bool | Awaitable[bool]] | None = field(default=None, repr=False, compare=False)

    interactive = True
    acts_for_user = True
    can_bind_key = True
    needs_client_id = True
    serves_user_flows = True
    shared_by_family = True
    cache_partition = _sign_in_partition
    account_name = _sign_in_account

    def __post_init__(self) -> None:
        if self.prompt not in PROMPTS:
            raise UsageError(
                f"{self.prompt!r} is not a prompt.", f"Use one of {', '.join(PROMPTS[1:])}, or leave it out."
            )

    def user(self, authority: Authority) -> str:
        return authority.normalized(self.login_hint)


@value
class AuthorizationCode(BaseSignIn):
    """A code that your own application received at its redirect URI, with what is needed to redeem it once.

    `verifier` is PKCE's (RFC 7636 section 4.1) and `nonce` OpenID Connect's, if the request had them.
    """

    code: str = field(secret=True)
    redirect_uri: str
    verifier: str = field(default="", secret=True)
    client: ClientCredential | None = None
    nonce: str = field(default="", secret=True)
    account: str = ""

    interactive = False
    acts_for_user = True
    can_bind_key = False
    needs_client_id = True
    serves_user_flows = True
    shared_by_family = False
    cache_partition = _sign_in_partition
    account_name = _sign_in_account

    def __post_init__(self) -> None:
        if not self.code or not self.redirect_uri:
            raise UsageError(
                "The authorization code or its redirect URI is empty.",
                "Give AuthorizationCode the `code` that your redirect URI was called with, and that URI itself.",
            )

    def user(self, authority: Authority) -> str:  # noqa: ARG002 - a code is compared as it is
        return f"code-{fingerprint_of_text(self.code)}"


@value
class DevicePrompt:
    """What a user needs to sign in elsewhere. `expires_in` is in seconds; `message` is the service's own sentence."""

    user_code: str
    verification_uri: str
    expires_in: int
    message: str


@value
class DeviceCode(BaseSignIn):
    """A user at any device, who enters a code there (RFC 8628).

    `prompt` is called with a `DevicePrompt`; without it, address and code go to standard error. Under
    AsyncClient it may be async.
    """

    prompt: Callable[[DevicePrompt], Awaitable[None] | None] | None = field(default=None, repr=False, compare=False)
    account: str = ""
    client: ClientCredential | None = None

    interactive = True
    acts_for_user = True
    can_bind_key = True
    needs_client_id = True
    serves_user_flows = False
    shared_by_family = True
    cache_partition = _sign_in_partition
    account_name = _sign_in_account

    def user(self, authority: Authority) -> str:  # noqa: ARG002 - only the person at the other device knows
        return ""


@value
class Password(BaseSignIn):
    """A user name and a password, sent to the token endpoint (RFC 6749 section 4.3): for test accounts and legacy.

    It cannot work for accounts that need multi-factor authentication, sign in at a federated identity provider, are
    personal, or have an expired password; and the program sees the password. Microsoft advises against it:
    learn.microsoft.com/entra/identity-platform/v2-oauth-ropc. Use `Browser` or `DeviceCode` for people and an
    application's own credential for jobs.
    """

    username: str
    password: str = field(secret=True)
    client: ClientCredential | None = None
    account: str = ""

    interactive = False
    acts_for_user = True
    can_bind_key = True
    needs_client_id = True
    serves_user_flows = True
    shared_by_family = True
    cache_partition = _sign_in_partition
    account_name = _sign_in_account

    def __post_init__(self) -> None:
        if not self.username or not self.password:
            raise UsageError(
                "The user name or the password is empty.",
                "Set AZURE_USERNAME and AZURE_PASSWORD, or give Password both.",
            )

    def user(self, authority: Authority) -> str:
        return authority.normalized(self.username)


SignIn = Browser | AuthorizationCode | DeviceCode | Password

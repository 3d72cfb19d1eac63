"""People who sign in: each leaves a refresh token in the client's stores, which serves from then on.

`account` is the name under which it is kept; without one, a name made of client and sign-in host.
"""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.credentials import ClientCredential

BROWSER_TIMEOUT_IN = 300.0
"""Seconds a person has to sign in in a browser, unless the credential says otherwise."""

PROMPTS = ("", "login", "select_account", "consent", "create")
"""What `prompt` may ask for; `none` would be no sign-in. Source: v2-oauth2-auth-code-flow."""


@value
class Browser:
    """A person at the system's browser: authorization code with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).

    The application needs the redirect URI `http://localhost` under "Mobile and desktop applications"; any `port` fits,
    a free one is taken when it is 0. `prompt` is one of PROMPTS; `timeout_in` is in seconds. `show` gets the URL, to
    print it in a way of your own; without it the URL goes to standard error when no browser could be opened. `paste`
    reads the address the browser ended at from the terminal too: for machines without a browser, as over SSH.
    `open_browser` opens the URL in a way of your own and says whether it could.
    """

    account: str = ""
    client: ClientCredential | None = None
    login_hint: str = ""
    domain_hint: str = ""
    prompt: str = ""
    timeout_in: float = BROWSER_TIMEOUT_IN
    port: int = 0
    paste: bool = False
    show: Callable[[str], None] | None = field(default=None, repr=False, compare=False)
    open_browser: Callable[[str], bool] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.prompt not in PROMPTS:
            raise UsageError(f"{self.prompt!r} is no prompt.", f"Use one of {', '.join(PROMPTS[1:])}, or none of them.")


@value
class AuthorizationCode:
    """A code that an application of your own got at its redirect URI, with what it needs to be redeemed, once.

    `verifier` is PKCE's (RFC 7636 section 4.1) and `nonce` OpenID Connect's, if the request had them.
    """

    code: str = field(repr=False)
    redirect_uri: str
    verifier: str = field(default="", repr=False)
    client: ClientCredential | None = None
    nonce: str = field(default="", repr=False)
    account: str = ""

    def __post_init__(self) -> None:
        if not self.code or not self.redirect_uri:
            raise UsageError(
                "The authorization code or its redirect URI is empty.",
                "Give AuthorizationCode the `code` your redirect URI was called with, and that URI itself.",
            )


@value
class DevicePrompt:
    """What a person needs to sign in elsewhere. `expires_in` is in seconds; `message` is the service's own sentence."""

    user_code: str
    verification_uri: str
    expires_in: int
    message: str


@value
class DeviceCode:
    """A person at any device, who types a code there (RFC 8628).

    `prompt` is called with a `DevicePrompt`; without it, address and code go to standard error.
    """

    prompt: Callable[[DevicePrompt], None] | None = field(default=None, repr=False, compare=False)
    account: str = ""
    client: ClientCredential | None = None


@value
class Password:
    """A user name and a password, given to the token endpoint (RFC 6749 section 4.3): for test accounts and legacy.

    It cannot work for accounts that need multi-factor authentication, sign in at a federated identity provider, are
    personal, or have an expired password; and the program sees the password. Microsoft advises against it:
    learn.microsoft.com/entra/identity-platform/v2-oauth-ropc. Take `Browser` or `DeviceCode` for people and an
    application's own credential for jobs.
    """

    username: str
    password: str = field(repr=False)
    client: ClientCredential | None = None
    account: str = ""

    def __post_init__(self) -> None:
        if not self.username or not self.password:
            raise UsageError(
                "The user name or the password is empty.",
                "Set AZURE_USERNAME and AZURE_PASSWORD, or give Password both.",
            )


SignIn = Browser | AuthorizationCode | DeviceCode | Password

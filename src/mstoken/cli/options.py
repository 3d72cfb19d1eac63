"""Options as data: declared once for click, for the quick reader of arguments and for the docs. Imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    Kind = Literal["text", "multiple", "seconds", "flag", "choice"]


class Option:
    """One option: its field's name, how it is written, what it takes and what it is for.

    `kind` is text, multiple (may be given several times), seconds, flag (takes no value) or choice.
    """

    __slots__ = ("choices", "flags", "help_text", "kind", "metavar", "name")

    def __init__(
        self,
        flags: str,
        help_text: str,
        metavar: str = "",
        kind: Kind = "text",
        choices: tuple[str, ...] = (),
    ) -> None:
        self.flags = tuple(flags.split())
        self.name = self.flags[0].removeprefix("--").replace("-", "_")
        self.help_text, self.metavar, self.kind, self.choices = help_text, metavar, kind, choices


CLOUD = Option("--cloud", "Microsoft cloud: public, usgov, china, …", "NAME")

IDENTITY = (
    Option("--tenant", "Tenant: a GUID or a domain.", "TENANT"),
    Option("--client-id", "The application's (client) id.", "ID"),
    Option("--profile", "Profile of the configuration file.", "NAME"),
    CLOUD,
    Option("--authority", "Host that signs in, where it is not the cloud's own.", "HOST"),
)
"""Who asks, and where. Every command that needs a token has them."""

CLAIMS = Option("--claims", "Claims challenge, as JSON or as base64 of JSON.", "CLAIMS")

GET = (
    Option(
        "--scope",
        "Ask for these scopes, separated by commas or spaces; may be given several times.",
        "SCOPE",
        "multiple",
    ),
    CLAIMS,
    Option("--min-ttl", "Life the token must still have, in seconds.", "SECONDS", "seconds"),
    Option("--fresh", "Ask the service, whatever is kept.", kind="flag"),
    Option(
        "--output -o",
        "What to print.",
        kind="choice",
        choices=("token", "json", "header", "env", "az", "azd"),
    ),
    Option(
        "--pop",
        "Bind the token to a key, inside a request signed for this URL, or for a cluster's resource id.",
        "URL|ID",
    ),
    Option("--pop-method", "Method of the request that --pop signs, such as GET.", "METHOD"),
    Option("--pop-nonce", "Nonce that the service gave for it; one is made without it.", "NONCE"),
)
"""What `mstoken get` takes besides."""

LOGIN = (
    Option("--browser", "Sign in with the browser; what happens at a terminal.", kind="flag"),
    Option("--device", "Sign in on any device, by typing a code there.", kind="flag"),
    Option("--refresh-token-stdin", "Keep a refresh token from standard input; what happens in a pipe.", kind="flag"),
    Option("--login-hint", "User name to begin the sign-in with.", "NAME"),
    Option("--domain-hint", "Domain whose own sign-in page to go to at once.", "DOMAIN"),
    Option("--prompt", "Have the browser ask: select_account, login or consent.", "WHAT"),
    Option("--timeout", "How long to wait for the browser, in seconds; 300 without it.", "SECONDS", "seconds"),
    Option("--client-secret-ref", "Where the application's secret is: env:, file:, keyring: or command:.", "REFERENCE"),
    Option(
        "--scope",
        "What to sign in for, or to try the refresh token with, instead of Microsoft Graph.",
        "SCOPE",
        "multiple",
    ),
    CLAIMS,
    Option("--no-verify", "Store it without trying it.", kind="flag"),
)
"""What `mstoken login` takes besides."""


class IdentityArguments:
    """The options that choose the identity, and where it signs in; '' for an option that is absent."""

    tenant: str = ""
    client_id: str = ""
    profile: str = ""
    cloud: str = ""
    authority: str = ""

    def __init__(self, **arguments: Any) -> None:
        unknown = [name for name in arguments if not hasattr(type(self), name)]
        if unknown:
            raise TypeError(f"{type(self).__name__} has no argument {', '.join(unknown)}")
        vars(self).update(arguments)

    def flags(self) -> dict[str, str]:
        """Return the identity options by name, as `mstoken.config` reads them."""
        return {name: getattr(self, name) for name in IdentityArguments.__annotations__}


class GetArguments(IdentityArguments):
    """The arguments of `mstoken get`; `min_ttl` is in seconds."""

    services: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    claims: str = ""
    min_ttl: int = 0
    fresh: bool = False
    output: str = "token"
    pop: str = ""
    pop_method: str = ""
    pop_nonce: str = ""


class RequestArguments(IdentityArguments):
    """The arguments of `mstoken request`; `data` is None without a body."""

    method: str = ""
    url: str = ""
    scope: str = ""
    origin: str = ""
    headers: tuple[str, ...] = ()
    data: str | None = None
    include: bool = False


class LoginArguments(IdentityArguments):
    """The arguments of `mstoken login`; `timeout` is in seconds, 0 for the default."""

    browser: bool = False
    device: bool = False
    refresh_token_stdin: bool = False
    login_hint: str = ""
    domain_hint: str = ""
    prompt: str = ""
    timeout: int = 0
    client_secret_ref: str = ""
    scope: tuple[str, ...] = ()
    claims: str = ""
    no_verify: bool = False

"""Options as data, declared once for click, the fast parser and the docs; and the arguments that they fill, typed.

`mstoken get` needs this file on its fast path, so it imports nothing that Python has not loaded.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    Kind = Literal["text", "multiple", "seconds", "flag", "choice"]


class Option:
    """One option: its field name, flags, value and help text.

    `kind` is text, multiple (may be repeated), seconds, flag (takes no value) or choice.
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


DEBUG = Option(
    "--debug",
    "Show each step on standard error; also MSTOKEN_DEBUG=1.",
    kind="flag",
)


"""Every command has this option, and so has `mstoken` itself."""


def debugging() -> bool:
    """Return whether steps, and the tracebacks of bugs, are shown: MSTOKEN_DEBUG is set, which --debug does."""
    return os.environ.get("MSTOKEN_DEBUG", "") not in {"", "0"}


CLOUD = Option("--cloud", "Microsoft cloud: public, usgov, china, …", "NAME")

IDENTITY = (
    Option("--tenant", "Tenant: a GUID or a domain.", "TENANT"),
    Option("--client-id", "The application's (client) ID, or the name of one of Microsoft's, such as azure-cli.", "ID"),
    Option("--profile", "Profile in the configuration file.", "NAME"),
    CLOUD,
    Option("--authority", "Sign-in host, if it is not the cloud's own; or the URL of a B2C user flow.", "HOST"),
)
"""The identity, and where it signs in. Every command that needs a token has these options."""

CLAIMS = Option("--claims", "Claims challenge, as JSON or base64-encoded JSON.", "CLAIMS")

TIMEOUT = Option("--timeout", "Seconds that the command may take; 30 by default.", "SECONDS", "seconds")

GET = (
    Option(
        "--scope",
        "Request these scopes, separated by commas or spaces; may be repeated.",
        "SCOPE",
        "multiple",
    ),
    CLAIMS,
    Option("--min-ttl", "Minimum remaining lifetime of the token, in seconds.", "SECONDS", "seconds"),
    Option("--fresh", "Request a new token, even if a valid one is cached.", kind="flag"),
    TIMEOUT,
    Option(
        "--output -o",
        "Output format.",
        kind="choice",
        choices=(
            "token",
            "json",
            "header",
            "headers-json",
            "env",
            "powershell",
            "dotenv",
            "github-env",
            "github-output",
            "az",
            "azd",
        ),
    ),
    Option(
        "--name",
        "Name of the variable that env, powershell, dotenv and github-… set; MSTOKEN_ACCESS_TOKEN by default.",
        "NAME",
    ),
    Option(
        "--pop",
        "Bind the token to a key, in a request signed for this URL or for a cluster's resource ID.",
        "URL|ID",
    ),
    Option("--pop-method", "Method of the request that --pop signs, such as GET.", "METHOD"),
    Option("--pop-nonce", "Nonce that the service issued for the request; mstoken makes one by default.", "NONCE"),
)
"""The further options of `mstoken get`."""

LOGIN = (
    Option("--browser", "Sign in with the browser; the default at a terminal.", kind="flag"),
    Option("--device", "Sign in on any device, by entering a code there.", kind="flag"),
    Option("--refresh-token-stdin", "Store a refresh token from standard input; the default in a pipe.", kind="flag"),
    Option("--login-hint", "User name to prefill.", "NAME"),
    Option("--domain-hint", "Domain whose sign-in page to open at once.", "DOMAIN"),
    Option("--prompt", "What the sign-in page asks for: select_account, login or consent.", "WHAT"),
    Option("--timeout", "Seconds to wait for the browser; 300 by default.", "SECONDS", "seconds"),
    Option(
        "--client-secret-ref", "Location of the application's secret: env:, file:, keyring: or command:.", "REFERENCE"
    ),
    Option(
        "--scope",
        "Scope to sign in for, or to verify the refresh token with, instead of Microsoft Graph.",
        "SCOPE",
        "multiple",
    ),
    CLAIMS,
    Option("--no-verify", "Store the refresh token without verifying it.", kind="flag"),
)
"""The further options of `mstoken login`."""


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
    """The arguments of `mstoken get`; `min_ttl` and `timeout` are in seconds, 0 for the default."""

    services: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    claims: str = ""
    min_ttl: int = 0
    fresh: bool = False
    timeout: int = 0
    debug: bool = False
    output: str = "token"
    name: str = ""
    pop: str = ""
    pop_method: str = ""
    pop_nonce: str = ""
    tenants: str = ""
    concurrency: int = 16


class RequestArguments(IdentityArguments):
    """The arguments of `mstoken request`.

    The body is `body` if it is known already, else what `data` says; None for no body. `timeout` is in seconds, 0 for
    the default; `max_wait` is in seconds; `max_pages` is 0 for all.
    """

    method: str = ""
    url: str = ""
    scope: str = ""
    origin: str = ""
    headers: tuple[str, ...] = ()
    data: str | None = None
    body: bytes | None = None
    stdin: bool = False
    batch: bool = False
    delta: str = ""
    include: bool = False
    every_page: bool = False
    slurp: bool = False
    query: str = ""
    output: str = ""
    params: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    raw_fields: tuple[str, ...] = ()
    subscription: str = ""
    max_pages: int = 0
    save: str = ""
    upload: str = ""
    wait: bool = False
    operation: str = ""
    timeout: int = 0
    retries: int = 3
    max_wait: int = 180
    retry_unsafe: bool = False
    tenants: str = ""
    concurrency: int = 16
    resume: str = ""


class LoginArguments(IdentityArguments):
    """The arguments of `mstoken login`; `timeout` is in seconds, 0 for the default.

    `services` are what the sign-in is for, if not Microsoft Graph; no option sets them.
    """

    services: tuple[str, ...] = ()

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

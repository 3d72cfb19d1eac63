"""`mstoken login`: sign a user in, or import a refresh token; store the sign-in and write a profile."""

from __future__ import annotations

import sys

from mstoken.cli import output, standard_input
from mstoken.cli.command import command
from mstoken.cli.identity import open_stores, options
from mstoken.cli.options import IDENTITY, LOGIN, LoginArguments
from mstoken.hidden import ENVIRON
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mstoken.config.layers import Layers
    from mstoken.config.settings import Settings

MAX_CHARACTERS = 32_768
"""Maximum length of a refresh token; Entra's have 1,000 to 2,000 characters, and a form field has to carry it."""


_ONLY_WITH = {
    **dict.fromkeys(("login_hint", "domain_hint", "prompt", "timeout"), "browser"),
    "no_verify": "refresh_token_stdin",
}
"""Options of one way to sign in. With another one they are refused, since they would do nothing."""
_WITHOUT = {
    "browser": "on a sign-in with the browser",
    "device": "on a sign-in with a device code",
    "refresh_token_stdin": "on a refresh token from standard input",
}


@command(short_help="Sign in, and write a profile that uses it.", input_hint="cat file | mstoken login …")
@options(IDENTITY)
@options(LOGIN)
def login(**values: Any) -> None:
    """Sign in, store the sign-in encrypted, and write a profile that uses it.

    At a terminal, mstoken opens the browser, or shows the URL if it cannot. If the browser runs on another machine,
    paste the URL at which it ends. With --device, you enter a code on any device. One sign-in works for every service
    and tenant that the user and the application may use.

    In a pipe, or with --refresh-token-stdin, mstoken reads a refresh token from standard input instead, and uses it
    once to verify it. It stores each new refresh token that the service issues later. Settings without an option come
    from the environment, then from the profile.

    The application is your own registration, or one of Microsoft's by its name: azure-cli, azure-powershell, graph-cli,
    vscode or visual-studio. At a terminal, you may choose one.

    \b
      mstoken login
      mstoken login --tenant contoso.onmicrosoft.com --client-id ID
      mstoken login --client-id azure-cli
      mstoken login --device --profile work
      cat refresh-token.txt | mstoken login --tenant contoso.onmicrosoft.com --client-id ID
      mstoken login --profile partner --client-secret-ref keyring:mstoken/partner ...
    """
    sign_in_and_store(LoginArguments(**values))


def sign_in_and_store(arguments: LoginArguments) -> Settings:
    """Do what `mstoken login` does, and say so. Return the settings of the profile. Raises MstokenError."""
    from mstoken.config.layers import DEFAULT_PROFILE
    from mstoken.config.profile_writing import check_name, write_profile
    from mstoken.errors import MstokenError

    name = arguments.profile or ENVIRON.get("MSTOKEN_PROFILE") or DEFAULT_PROFILE
    check_name(name)
    method = _sign_in_method(arguments)
    layers = _layers(name, arguments)
    if method == "refresh_token_stdin":
        settings, user = _verify_and_store(name, layers, _validate(_read_refresh_token()), arguments), ""
    else:
        from mstoken.cli.interactive_login import sign_in

        settings, person = sign_in(name, layers, arguments, device=method == "device")
        user = person.username or person.name or "somebody"
    record = {
        "tenant": settings.tenant,
        "client_id": settings.client_id,
        "client_secret": arguments.client_secret_ref,
        "account": name,
        "cloud": settings.cloud,
        "authority": settings.authority,
        "token_endpoint": settings.token_endpoint,
    }
    profile = {setting: text for setting, text in record.items() if text}
    location_settings = {"authority", "cloud", "token_endpoint"}
    try:
        write_profile(name, profile, without={"refresh_token", *(location_settings - profile.keys())})
    except MstokenError:
        output.message("The sign-in is stored in the vault, but its profile could not be written.")
        output.message(f"To remove the sign-in: mstoken logout {name}")
        raise
    from mstoken.cli.get_token import usual_scopes
    from mstoken.client import Client

    _show_result(name, layers, arguments, user, arguments.services or usual_scopes(Client.from_settings(settings)))
    return settings


def _sign_in_method(arguments: LoginArguments) -> str:
    """Return browser, device or refresh_token_stdin: the option, else what fits standard input. Raises UsageError."""
    from mstoken.errors import UsageError

    chosen = [method for method in ("browser", "device", "refresh_token_stdin") if getattr(arguments, method)]
    if len(chosen) > 1:
        raise UsageError(
            "The options name several ways to sign in.", "Use one of --browser, --device, --refresh-token-stdin."
        )
    method = chosen[0] if chosen else "browser" if standard_input.at_terminal() else "refresh_token_stdin"
    for setting, needed in _ONLY_WITH.items():
        if getattr(arguments, setting) and method != needed:
            option = _option(setting)
            raise UsageError(
                f"{option} has no effect {_WITHOUT[method]}.",
                f"Leave {option} out, or sign in with {_option(needed)}.",
            )
    return method


def _option(setting: str) -> str:
    return f"--{setting.replace('_', '-')}"


def _layers(name: str, arguments: LoginArguments) -> Layers:
    """Return flags, environment and the existing profile, with the given secret reference as part of the profile."""
    from mstoken.config import environment, profiles
    from mstoken.config.folder import config_folder
    from mstoken.config.layers import Layers
    from mstoken.config.secret_references import FORMS, is_reference
    from mstoken.errors import UsageError
    from mstoken.values import replace

    reference = arguments.client_secret_ref
    if reference and not is_reference(reference):
        raise UsageError("--client-secret-ref takes a reference, not a secret.", f"Write {FORMS}.")
    flags = {setting: text.strip() for setting, text in arguments.flags().items() if text and setting != "profile"}
    variables = environment.read_variables(ENVIRON)
    profile = profiles.find(name)
    if reference:
        stored = profile or profiles.Profile(name, config_folder(ENVIRON), {})
        profile = replace(stored, values={**stored.values, "client_secret": reference})
        variables.pop("client_secret", None)
    return Layers(flags, variables, profile)


def _read_refresh_token() -> str:
    from mstoken.texts import decode_text

    if standard_input.at_terminal():
        from getpass import getpass

        try:
            return getpass("Refresh token: ", stream=sys.stderr)
        except EOFError:
            return ""
    # Bytes, to detect input that is not text; at most the length of a refresh token, at two bytes a character in
    # UTF-16.
    return decode_text(standard_input.read_bytes(2 * MAX_CHARACTERS + 4), "replace")


def _validate(text: str) -> str:
    """Return the refresh token without surrounding whitespace. Raises UsageError, without repeating the input."""
    from mstoken.errors import UsageError

    value = text.strip()
    remedy = (
        "Pipe in only the refresh token: cat file | mstoken login …; or sign in: mstoken login --browser, or --device"
    )
    if not value:
        raise UsageError("Standard input contains no refresh token.", remedy)
    if len(value) > MAX_CHARACTERS:
        raise UsageError(f"The input is longer than {MAX_CHARACTERS} characters; that is not a refresh token.", remedy)
    if value.startswith("{"):
        raise UsageError(
            "The input is JSON, not the refresh token itself.",
            "Extract the value first: jq -r .refresh_token | mstoken login …",
        )
    if len(value.splitlines()) > 1:
        raise UsageError("The input has several lines; a refresh token has one.", remedy)
    # RFC 6749 appendix A.17: a refresh token is printable ASCII. Entra's contain no space either.
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise UsageError("The input contains characters that no refresh token has.", remedy)
    return value


def _verify_and_store(name: str, layers: Layers, value: str, arguments: LoginArguments) -> Settings:
    """Use the refresh token once, then store it or the one that the service returned. Raises MstokenError.

    A new refresh token is stored at once, because a server that accepts each only once has just invalidated the old
    one.
    """
    from mstoken.client import Client
    from mstoken.credentials import RefreshToken
    from mstoken.errors import MstokenError, TryLater
    from mstoken.flows.store_port import TokenInfo

    stores = open_stores(layers.store())
    stores.refresh_tokens.check_writable()
    single_use = layers.profile is not None and layers.profile.single_use
    key = RefreshToken(account=name).store_key
    stored: list[str] = []

    def store_refresh_token(latest: str) -> None:
        stores.refresh_tokens.put(key, latest, info)
        stored.append(latest)

    credential = RefreshToken(value, layers.client(), on_new=store_refresh_token, single_use=single_use)
    settings = layers.settings(credential)
    info = TokenInfo(Client.from_settings(settings).authority.base_url, settings.tenant, settings.client_id)
    if not arguments.no_verify:
        try:
            _use_once(settings, arguments)
        except MstokenError as error:
            if not stored:
                output.message("The refresh token was tried; nothing was stored.")
            if isinstance(error, TryLater):
                output.message("To store it without verifying it: --no-verify")
            raise
    if not stored:
        store_refresh_token(value)
    stores.access_tokens.forget(TokenInfo(account=name))  # they may belong to the user who was signed in before
    return settings


def _use_once(settings: Settings, arguments: LoginArguments) -> None:
    from mstoken.cli.get_token import sign_in_scopes
    from mstoken.client import Client

    with Client.from_settings(settings) as client:
        client.get_token(*sign_in_scopes(client, arguments))


def _show_result(name: str, layers: Layers, arguments: LoginArguments, user: str, usual: tuple[str, ...]) -> None:
    from mstoken.config import environment
    from mstoken.config.folder import config_file
    from mstoken.config.layers import DEFAULT_PROFILE
    from mstoken.shells import joined

    tried = "unverified" if arguments.no_verify else "verified"
    stored = f"Signed in as {user}; stored the sign-in" if user else f"Stored the refresh token ({tried})"
    output.message(f"{stored} in the vault; wrote the profile {name} to {config_file(ENVIRON)}.")
    if "client_secret" in layers.environment and not arguments.client_secret_ref:
        output.message(
            "The application's secret came from AZURE_CLIENT_SECRET and is not part of the profile: keep "
            "the variable set, or use --client-secret-ref."
        )
    # The profile `default` is not used if the environment contains a complete identity.
    needless = name == DEFAULT_PROFILE and environment.missing(environment.read_variables(ENVIRON))
    profile = "" if needless else f" --profile {name}"
    output.message(f"Next: mstoken {joined(['get', *(arguments.scope or usual)])}{profile}")

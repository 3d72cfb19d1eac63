"""The work of `mstoken get`, after its arguments are parsed."""

from __future__ import annotations

import time

from mstoken.cli import github_actions, output
from mstoken.cli.identity import open_stores, settings_for
from mstoken.cli.token_formats import VARIABLE, render
from mstoken.client import Client
from mstoken.errors import UsageError
from mstoken.protocol.chain import served
from mstoken.redaction import shown
from mstoken.transports.blocking import HttpTransport
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mstoken.cli.options import GetArguments, LoginArguments
    from mstoken.flows.store_port import Stores
    from mstoken.model import Token, TokenRequest


def run_get(arguments: GetArguments, fingerprint: str = "") -> None:
    """Get the token and print it. Raises MstokenError.

    With a `fingerprint`, store which cached token answers the same command line next time.
    """
    check_arguments(arguments)
    settings = settings_for(arguments.flags())
    stores = open_stores(settings.store)
    with Client.from_settings(settings, stores, HttpTransport()) as client:
        token, token_request, warning = fetch_token(client, arguments)
    fields = (token.token, token.expires_on, token.token_type, token.refresh_on, token.scope, token.got_on)
    if arguments.output in github_actions.FILES:
        github_actions.export_token(arguments.output, arguments.name or VARIABLE, token.token)
    else:
        output.write(render(arguments.output, fields, token_request.authority.tenant, arguments.name))
    save_alias_if_sure(arguments, fingerprint, token_request, stores, shown=warning or settings.notes)


def save_alias_if_sure(
    arguments: GetArguments, fingerprint: str, token_request: TokenRequest, stores: Stores, *, shown: object
) -> None:
    """Store which cached token answers the same arguments next time, if nothing but the fingerprint determines it.

    `shown` is what the user had to see: required messages are shown on every run, so the fast path must not skip them.
    """
    if fingerprint and not (shown or arguments.claims or arguments.pop):
        from mstoken.cli.fast_path_alias import save_alias

        save_alias(stores.access_tokens, fingerprint, token_request)


def check_arguments(arguments: GetArguments) -> None:
    """Refuse arguments that do not fit each other. Raises UsageError."""
    _check_pop(arguments)
    _check_name(arguments)
    github_actions.check(arguments.output)


def fetch_token(client: Client, arguments: GetArguments) -> tuple[Token, TokenRequest, str]:
    """Return the token, the request that it answers, and the warning about its service; print what the user must know.

    Raises MstokenError.
    """
    scopes = scopes_wanted(client, arguments.services or _service_of_pop(arguments), arguments.scope)
    warning = client.target(*scopes).warning if client.authority.knows_services else ""
    token = request_token(client, scopes, claims_text(arguments.claims), arguments)
    if warning:
        output.message(warning)
    _warn_if_short(token, arguments.min_ttl)
    return token, served(client.token_request(*scopes)), warning


def request_token(client: Client, scopes: Sequence[str], claims: str, arguments: GetArguments) -> Token:
    """Return the token that the arguments describe. Raises what `Client.get_token` raises."""
    min_ttl, fresh, timeout = arguments.min_ttl, arguments.fresh, arguments.timeout or None
    if not arguments.pop:
        return client.get_token(*scopes, claims=claims or None, min_ttl=min_ttl, fresh=fresh, timeout=timeout)
    return client.pop_token(
        *scopes,
        url=arguments.pop,
        method=arguments.pop_method,
        nonce=arguments.pop_nonce,
        claims=claims,
        min_ttl=min_ttl,
        fresh=fresh,
        timeout=timeout,
    )


def _check_pop(arguments: GetArguments) -> None:
    if not arguments.pop and (arguments.pop_method or arguments.pop_nonce):
        raise UsageError("--pop-method and --pop-nonce need --pop.", "Add --pop URL.")
    if arguments.pop and arguments.output in ("az", "azd"):
        raise UsageError(
            f"--output {arguments.output} is for bearer tokens; a signed request is not one.",
            "Use --output token, header, env or json.",
        )


def _check_name(arguments: GetArguments) -> None:
    """Refuse a name without a format that sets a variable, and one that no shell can set (POSIX XBD section 3.216)."""
    if not arguments.name:
        return
    forms = ("env", "powershell", "dotenv", *github_actions.FILES)
    if arguments.output not in forms:
        raise UsageError("--name is for the formats that set a variable.", f"Add -o {', '.join(forms)}.")
    if not (arguments.name.isascii() and arguments.name.isidentifier()):
        raise UsageError(
            f"{shown(arguments.name, 100)!r} is not the name of a variable.", "Use letters, digits and underscores."
        )


def _service_of_pop(arguments: GetArguments) -> tuple[str, ...]:
    """Return the URL to sign as the service, if nothing else names one."""
    return (arguments.pop,) if "://" in arguments.pop and not arguments.scope else ()


def scopes_wanted(client: Client, services: Sequence[str], scopes: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes to request: the services, or the scopes completed by the service's name.

    `graph --scope User.Read` is one permission of Graph, `--scope User.Read,Mail.Read` two. Beside scopes, a URL only
    says what the token is for. Raises UsageError for an invalid scope, or for one of another service.
    """
    if not (client.authority.knows_services and scopes):
        return (*services, *scopes)
    from mstoken.services.split_scopes import of_permission, split
    from mstoken.services.target import Scope

    words = split(map(Scope, scopes))
    names = [service for service in services if "://" not in service]
    if not names:
        _check_belonging(client, services, words)
        return words
    resource = client.target(*names).resource
    full = tuple(of_permission(str(word), resource) for word in words)
    _check_same(client.target(*full).resource, resource, names)
    return full


def sign_in_scopes(client: Client, arguments: LoginArguments) -> tuple[str, ...]:
    """Return the scopes that a sign-in requests: those of the options, or what a sign-in is usually tried with."""
    services = arguments.services or (() if arguments.scope else usual_scopes(client))
    return scopes_wanted(client, services, arguments.scope)


def usual_scopes(client: Client) -> tuple[str, ...]:
    """Return what a sign-in is tried with: Graph; of a user flow, the application itself; elsewhere the grant's scope.

    Source of the last: RFC 6749 section 6.
    """
    if client.authority.token_url:
        return ()
    return (client.client_id,) if client.authority.policy else ("graph",)


def _check_belonging(client: Client, urls: Sequence[str], scopes: Sequence[str]) -> None:
    """Refuse a URL of a known service beside scopes of another; for an unknown URL, only the scopes count."""
    for url in urls:
        try:
            resource = client.target(url).resource
        except UsageError:
            continue
        _check_same(client.target(*scopes).resource, resource, [url])


def _check_same(found: str, resource: str, named: Sequence[str]) -> None:
    if found.rstrip("/").lower() != resource.rstrip("/").lower():
        raise UsageError(f"The scopes are of {found}, but {' '.join(named)} is {resource}.", "Remove the wrong one.")


def claims_text(value: str) -> str:
    """Return the claims as JSON text; challenges encode them in base64 or base64url, with or without padding.

    Source: learn.microsoft.com/entra/identity-platform/claims-challenge. Raises UsageError.
    """
    text = value.strip()
    if not text:
        return ""
    if text.startswith("{"):
        from mstoken.cli.shell_slips import refuse_slip_in_json

        refuse_slip_in_json(text, "--claims", "Pass it as base64.")
        return text
    import base64
    import binascii

    try:
        padded = text.rstrip("=").translate(str.maketrans("-_", "+/"))
        padded += "=" * (-len(padded) % 4)
        decoded = base64.b64decode(padded, validate=True).decode().strip()
    except (binascii.Error, ValueError):
        decoded = ""
    if not decoded.startswith("{"):
        raise UsageError(
            "The claims are neither a JSON object nor a base64-encoded one.",
            "Copy the value of claims= from the WWW-Authenticate header unchanged.",
        )
    return decoded


def _warn_if_short(token: Token, min_ttl: int) -> None:
    remaining_in = token.expires_on - int(time.time())
    if remaining_in < min_ttl:
        output.message(f"The service issued a token with {remaining_in} seconds left, less than --min-ttl {min_ttl}.")

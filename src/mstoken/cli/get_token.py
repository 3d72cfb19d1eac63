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

    from mstoken.cli.options import GetArguments
    from mstoken.model import Token


def run_get(arguments: GetArguments, fingerprint: str = "") -> None:
    """Get the token and print it. Raises MstokenError.

    With a `fingerprint`, store which cached token answers the same command line next time.
    """
    _check_pop(arguments)
    _check_name(arguments)
    github_actions.check(arguments.output)
    settings = settings_for(arguments.flags())
    stores = open_stores(settings.store)
    client = Client.from_settings(settings, stores, HttpTransport())
    scopes = scopes_wanted(client, arguments.services or _service_of_pop(arguments), arguments.scope)
    warning = "" if client.authority.token_url else client.target(*scopes).warning
    claims = claims_text(arguments.claims)
    with client:
        token = _request_token(client, scopes, claims, arguments)
    if warning:
        output.message(warning)
    _warn_if_short(token, arguments.min_ttl)
    fields = (token.token, token.expires_on, token.token_type, token.refresh_on, token.scope, token.got_on)
    token_request = served(client.token_request(*scopes))
    if arguments.output in github_actions.FILES:
        github_actions.hand_over(arguments.output, arguments.name or VARIABLE, token.token)
    else:
        output.write(render(arguments.output, fields, token_request.authority.tenant, arguments.name))
    shown_before = (
        warning or settings.notes or claims
    )  # required messages are shown on every run, so the fast path must not skip them
    if fingerprint and not (shown_before or arguments.pop):
        from mstoken.cli.fast_path_alias import save_alias

        save_alias(stores.access_tokens, fingerprint, token_request)


def _request_token(client: Client, scopes: Sequence[str], claims: str, arguments: GetArguments) -> Token:
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
    forms = ("env", "dotenv", *github_actions.FILES)
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
    if client.authority.token_url or not scopes:
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


def claims_text(given: str) -> str:
    """Return the claims as JSON text; challenges encode them in base64 or base64url, with or without padding.

    Source: learn.microsoft.com/entra/identity-platform/claims-challenge. Raises UsageError.
    """
    text = given.strip()
    if not text or text.startswith("{"):
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
    left = token.expires_on - int(time.time())
    if left < min_ttl:
        output.message(f"The service issued a token with {left} seconds left, less than --min-ttl {min_ttl}.")

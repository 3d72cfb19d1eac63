"""What `mstoken get` does, whoever read its arguments."""

from __future__ import annotations

import time

from mstoken.cli import output
from mstoken.cli.identity import flags_of, open_stores, settings_for
from mstoken.cli.token_formats import render
from mstoken.client import Client
from mstoken.errors import UsageError
from mstoken.protocol.chain import served
from mstoken.transports.blocking import HttpTransport
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mstoken.model import Token


def run_get(given: Mapping[str, Any], fingerprint: str = "") -> None:
    """Get the token and print it. `given` has the names of `options.IDENTITY` and `options.GET`, and `services`.

    Under `fingerprint`, where there is one, is noted which kept token answers the same command line next time.
    Raises MstokenError.
    """
    _check_pop(given)
    settings = settings_for(flags_of(given))
    stores = open_stores(settings.store)
    client = Client.from_settings(settings, stores, HttpTransport())
    scopes = scopes_wanted(client, given["services"] or _service_of_pop(given), given["scope"])
    warning = "" if client.authority.token_url else client.target(*scopes).warning
    claims = claims_text(given["claims"])
    with client:
        token = _request_token(client, scopes, claims, given)
    if warning:
        output.message(warning)
    _warn_if_short(token, given["min_ttl"])
    fields = (token.token, token.expires_on, token.token_type, token.refresh_on, token.scope, token.got_on)
    token_request = served(client.token_request(*scopes))
    output.write(render(given["output"], fields, token_request.authority.tenant))
    shown_before = warning or settings.notes or claims  # what has to be said is said every time
    if fingerprint and not (shown_before or given["pop"]):
        from mstoken.cli.fast_path_alias import save_alias

        save_alias(stores.access_tokens, fingerprint, token_request)


def _request_token(client: Client, scopes: Sequence[str], claims: str, given: Mapping[str, Any]) -> Token:
    options: dict[str, Any] = {name: given[name] for name in ("min_ttl", "fresh") if given[name]}
    if given["pop"]:
        signed = {"url": given["pop"], "method": given["pop_method"], "nonce": given["pop_nonce"]}
        return client.pop_token(*scopes, claims=claims, **signed, **options)
    return client.get_token(*scopes, claims=claims or None, **options)


def _check_pop(given: Mapping[str, Any]) -> None:
    if not given["pop"] and (given["pop_method"] or given["pop_nonce"]):
        raise UsageError("--pop-method and --pop-nonce are about a signed request.", "Give --pop URL too.")
    if given["pop"] and given["output"] in ("az", "azd"):
        raise UsageError(
            f"--output {given['output']} stands for a bearer token, which a signed request is not.",
            "Use --output token, header, env or json.",
        )


def _service_of_pop(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The URL that is signed for tells the service too, where nothing else does."""
    return (given["pop"],) if "://" in given["pop"] and not given["scope"] else ()


def scopes_wanted(client: Client, services: Sequence[str], scopes: Sequence[str]) -> tuple[str, ...]:
    """What to ask for: the services, or the scopes, which a service's name beside them completes.

    `graph --scope User.Read` is one permission of Graph, `--scope User.Read,Mail.Read` two. A URL beside scopes only
    says what the token is for. Raises UsageError when a scope is none, or is not the service's.
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
    """A URL of a known service beside the scopes of another is a mistake; of unknown ones only the scopes count."""
    for url in urls:
        try:
            resource = client.target(url).resource
        except UsageError:
            continue
        _check_same(client.target(*scopes).resource, resource, [url])


def _check_same(found: str, resource: str, named: Sequence[str]) -> None:
    if found.rstrip("/").lower() != resource.rstrip("/").lower():
        raise UsageError(
            f"The scopes are of {found}, but {' '.join(named)} is {resource}.", "Leave out the one you do not mean."
        )


def claims_text(given: str) -> str:
    """The claims as JSON text; challenges carry them in base64 or base64url, with or without padding.

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
            "The claims are neither a JSON object nor base64 of one.",
            "Copy the value of claims= from the WWW-Authenticate header as it is.",
        )
    return decoded


def _warn_if_short(token: Token, min_ttl: int) -> None:
    left = token.expires_on - int(time.time())
    if left < min_ttl:
        output.message(f"The service gives this token {left} seconds; --min-ttl asked for {min_ttl}.")

"""`mstoken cache`: list or clear the cached access tokens. No secret is shown."""

from __future__ import annotations

import time

import click

from mstoken.cli import output
from mstoken.cli.command import Command, debug_option, form_option
from mstoken.cli.completion import complete_profile, complete_service
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.store_port import AccessTokenStore, CachedTokenInfo
    from mstoken.model import TokenInfo

C = TypeVar("C", bound="Callable[..., Any]")

_FILTER_OPTIONS = (
    click.option(
        "--tenant", default="", metavar="TENANT", help="Only tokens of this tenant, written as in the request."
    ),
    click.option(
        "--service",
        default="",
        metavar="SERVICE",
        shell_complete=complete_service,
        help="Only tokens for this service.",
    ),
    click.option("--account", default="", metavar="NAME", help="Only tokens of this sign-in."),
    click.option(
        "--profile", default="", metavar="NAME", shell_complete=complete_profile, help="Use the store of this profile."
    ),
)


def _filter_options(command: C) -> C:
    for option in reversed(_FILTER_OPTIONS):
        command = option(command)
    return command


@click.group(short_help="Show or clear the cached access tokens.")
def cache() -> None:
    """Show or clear the cached access tokens. For stored sign-ins, see mstoken accounts.

    \b
      mstoken cache show --tenant contoso.onmicrosoft.com
      mstoken cache clear --service graph
      mstoken cache clear
    """


cache.params.append(debug_option())


@cache.command(cls=Command, short_help="List the cached access tokens.")
@_filter_options
@form_option("table", "json")
def show(tenant: str, service: str, account: str, profile: str, form: str) -> None:
    """List the cached access tokens: tenant, scope, account, client, and remaining minutes. No token is shown."""
    token_filter, now = _filter(tenant, service, account), int(time.time())
    cached = [
        token for token in _tokens(profile).tokens() if token_filter.covers(token.info) and token.expires_on > now
    ]
    cached.sort(key=lambda token: (token.info.tenant, token.info.scope, token.info.account, token.info.client_id))
    if form == "json":
        output.write_json([_fields(token) for token in cached])
    elif cached:
        rows = [(*_columns(token), f"{(token.expires_on - now) // 60} min") for token in cached]
        output.write_table(("TENANT", "SCOPE", "ACCOUNT", "CLIENT", "GOOD FOR"), rows)
    else:
        output.message("There are no matching tokens in the cache.")


@cache.command(cls=Command, short_help="Remove access tokens from the cache.")
@_filter_options
def clear(tenant: str, service: str, account: str, profile: str) -> None:
    """Remove the cached access tokens: all of them, or those that match. The next request for each goes to the service.

    Running programs keep the tokens that they hold in memory.
    """
    token_filter, tokens = _filter(tenant, service, account), _tokens(profile)
    everything = not (tenant or service or account)
    removed = sum(1 for token in tokens.tokens() if token_filter.covers(token.info))
    if everything:
        tokens.clear()
    else:
        removed = tokens.forget(token_filter)
    output.message(f"{removed} {'token' if removed == 1 else 'tokens'} removed from the cache.")


def _tokens(profile: str) -> AccessTokenStore:
    from mstoken.cli.identity import open_stores
    from mstoken.config.layers import Layers
    from mstoken.hidden import ENVIRON

    return open_stores(Layers.of({"profile": profile}, ENVIRON).store()).access_tokens


def _filter(tenant: str, service: str, account: str) -> TokenInfo:
    from mstoken.model import TokenInfo

    return TokenInfo(tenant=tenant.strip(), account=account.strip(), scope=_resource(service.strip()))


def _resource(service: str) -> str:
    """Return the resource of a service name, a URL or a scope in the configured cloud. Raises UsageError."""
    if not service:
        return ""
    from mstoken import clouds
    from mstoken.cli.known_settings import known_settings
    from mstoken.services import resolve_all

    name = known_settings()["cloud"]
    return resolve_all((service,), clouds.cloud(name) if name else clouds.PUBLIC).resource


def _columns(cached: CachedTokenInfo) -> tuple[str, str, str, str]:
    info = cached.info
    return info.tenant or info.authority, info.scope, info.account, info.client_id


def _fields(cached: CachedTokenInfo) -> dict[str, object]:
    from mstoken.values import as_dict

    fields = {name: text for name, text in as_dict(cached.info).items() if name != "username"}  # of sign-ins only
    return {**fields, "expires_on": cached.expires_on}

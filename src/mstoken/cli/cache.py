"""`mstoken cache`: which access tokens are kept, and forgetting them. Nothing secret is shown."""

from __future__ import annotations

import time

import click

from mstoken.cli import output
from mstoken.cli.command import Command, form_option
from mstoken.cli.completion import complete_profile, complete_service
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.store_port import AccessTokenStore, CachedTokenInfo
    from mstoken.model import TokenInfo

C = TypeVar("C", bound="Callable[..., Any]")

_CHOICE = (
    click.option("--tenant", default="", metavar="TENANT", help="Only this tenant's, written as it was asked for."),
    click.option(
        "--service", default="", metavar="SERVICE", shell_complete=complete_service, help="Only this service's."
    ),
    click.option("--account", default="", metavar="NAME", help="Only those of this sign-in."),
    click.option(
        "--profile", default="", metavar="NAME", shell_complete=complete_profile, help="Look where this profile keeps."
    ),
)


def _choosing(command: C) -> C:
    for option in reversed(_CHOICE):
        command = option(command)
    return command


@click.group(short_help="Show or clear the access tokens that are kept.")
def cache() -> None:
    """Show or clear the access tokens that are kept. Sign-ins are no part of it: mstoken accounts.

    \b
      mstoken cache show --tenant contoso.onmicrosoft.com
      mstoken cache clear --service graph
      mstoken cache clear
    """


@cache.command(cls=Command, short_help="List the access tokens that are kept.")
@_choosing
@form_option("table", "json")
def show(tenant: str, service: str, account: str, profile: str, form: str) -> None:
    """List the access tokens that are kept: whose, for what, and for how many minutes more. No token is shown."""
    wanted, now = _wanted_info(tenant, service, account), int(time.time())
    kept = [one for one in _tokens(profile).tokens() if wanted.covers(one.info) and one.expires_on > now]
    kept.sort(key=lambda one: (one.info.tenant, one.info.scope, one.info.account, one.info.client_id))
    if form == "json":
        output.write_json([_fields(one) for one in kept])
    elif kept:
        rows = [(*_words(one), f"{(one.expires_on - now) // 60} min") for one in kept]
        output.write_table(("TENANT", "SCOPE", "ACCOUNT", "CLIENT", "GOOD FOR"), rows)
    else:
        output.note("No such token is kept.")


@cache.command(cls=Command, short_help="Forget access tokens that are kept.")
@_choosing
def clear(tenant: str, service: str, account: str, profile: str) -> None:
    """Forget the access tokens that are kept, all or those that fit; the next question for each asks the service.

    Programs that run keep in memory what they have.
    """
    wanted, tokens = _wanted_info(tenant, service, account), _tokens(profile)
    everything = not (tenant or service or account)
    gone = sum(1 for one in tokens.tokens() if wanted.covers(one.info))
    if everything:
        tokens.clear()
    else:
        gone = tokens.forget(wanted)
    output.note(f"{gone} {'token was' if gone == 1 else 'tokens were'} forgotten.")


def _tokens(profile: str) -> AccessTokenStore:
    import os

    from mstoken.cli.identity import own_stores
    from mstoken.config.layers import Layers

    return own_stores(Layers.of({"profile": profile}, os.environ).store()).access_tokens


def _wanted_info(tenant: str, service: str, account: str) -> TokenInfo:
    from mstoken.model import TokenInfo

    return TokenInfo(tenant=tenant.strip(), account=account.strip(), scope=_resource(service.strip()))


def _resource(service: str) -> str:
    """The resource of a service's name, a URL or a scope, in the configured cloud. Raises UsageError."""
    if not service:
        return ""
    from mstoken import clouds
    from mstoken.cli.configured import configured
    from mstoken.services import resolve_all

    name = configured()["cloud"]
    return resolve_all((service,), clouds.cloud(name) if name else clouds.PUBLIC).resource


def _words(kept: CachedTokenInfo) -> tuple[str, str, str, str]:
    info = kept.info
    return info.tenant or info.authority, info.scope, info.account, info.client_id


def _fields(kept: CachedTokenInfo) -> dict[str, object]:
    from mstoken.values import as_dict

    return {**as_dict(kept.info), "expires_on": kept.expires_on}

"""`mstoken whoami`: show your identity, its kind, its tenant, and where it comes from."""

from __future__ import annotations

from typing import NamedTuple

import click

from mstoken.cli import output
from mstoken.cli.command import command, form_option
from mstoken.cli.completion import complete_service
from mstoken.cli.identity import identity_options, open_stores, settings_for
from mstoken.cli.options import IdentityArguments
from mstoken.hidden import ENVIRON
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mstoken.cli.inspection.summary import TokenSummary
    from mstoken.config.settings import Settings
    from mstoken.flows.store_port import Stores
    from mstoken.model import Token, TokenRequest


@command(short_help="Show who you are, and where this identity comes from.")
@click.argument("service", default="graph", shell_complete=complete_service)
@identity_options
@form_option("text", "json")
def whoami(service: str, form: str, **arguments: Any) -> None:
    """Show the user or application that tokens are for, the tenant, and where this identity comes from.

    The command gets a token for SERVICE, Microsoft Graph by default, from the cache or from Entra, and reads it. The
    token itself is not shown. --output json prints one object for scripts.

    \b
      mstoken whoami
      mstoken whoami arm --profile work
      mstoken whoami -o json | jq -r .user
    """
    from mstoken.client import Client
    from mstoken.protocol.chain import served

    settings = settings_for(IdentityArguments(**arguments).flags())
    stores = open_stores(settings.store)
    scopes = () if settings.token_endpoint and service == "graph" else (service,)
    with Client.from_settings(settings, stores) as client:
        token = client.get_token(*scopes)
        request = served(client.token_request(*scopes))
    source, summary, user = _source_of(settings, arguments), _summary(token), _stored_user(request, stores)
    if form == "json":
        output.write_json(_fields(summary, token, request, source, user))
    else:
        _print(summary, request, source, user)


def _summary(token: Token) -> TokenSummary | None:
    """Return the summary of the token; None if only its API can read it."""
    from mstoken.cli.inspection.summary import summarize
    from mstoken.protocol.jwt import readable

    decoded = readable(token.token)
    return summarize(decoded) if decoded else None


class _Source(NamedTuple):
    """Where an identity comes from: a link of the chain, `profile`, `options` or `environment`; and in words."""

    name: str
    text: str
    profile: str = ""


def _source_of(settings: Settings, arguments: dict[str, str]) -> _Source:
    from mstoken.config.chain import PROFILE
    from mstoken.config.folder import config_file
    from mstoken.config.layers import DEFAULT_PROFILE
    from mstoken.credentials import Chain, DeveloperTool

    link = settings.credential.served if isinstance(settings.credential, Chain) else None
    profile = settings.profile or (DEFAULT_PROFILE if link and link.name == PROFILE else "")
    if profile:
        return _Source(PROFILE, f"the profile {profile} in {config_file(ENVIRON)}", profile)
    if link and isinstance(link.credential, DeveloperTool):
        return _Source(link.name, f"{link.name}, whose sign-in was made with {link.credential.sign_in_command}")
    if link:
        return _Source(link.name, f"{link.name}, found by the default chain")
    named = [f"--{name.replace('_', '-')}" for name in ("tenant", "client_id") if arguments.get(name)]
    if named:
        return _Source("options", f"{' and '.join(named)}, and the environment")
    return _Source("environment", "the environment (AZURE_CLIENT_ID and the like)")


def _stored_user(request: TokenRequest, stores: Stores) -> str:
    """Return the user of the stored sign-in, '' if there is none: for a token that cannot be read."""
    from mstoken.credentials import RefreshToken

    if not (isinstance(request.credential, RefreshToken) and request.credential.account):
        return ""
    stored = stores.refresh_tokens.list_sign_ins().get(request.credential.store_key)
    return stored.info.username if stored else ""


def _print(summary: TokenSummary | None, request: TokenRequest, source: _Source, user: str) -> None:
    import time

    from mstoken.cli.inspection.description import describe_identity

    if summary is None:
        lines = [("Identity", f"a user: {user}" if user else "unknown: only the service can read its token")]
        lines += [("Tenant", request.authority.tenant), ("Application", request.client_id)]
    else:
        lines = describe_identity(summary, time.time())
    for label, text in [*lines, ("From", source.text), ("Account", getattr(request.credential, "account", ""))]:
        if text:
            output.write_labelled(label, text)


def _fields(
    summary: TokenSummary | None, token: Token, request: TokenRequest, source: _Source, user: str
) -> dict[str, Any]:
    """Return the object for scripts; `expires_on` is epoch seconds, UTC, and null means unknown."""
    return {
        "kind": (summary and summary.stands_for) or ("user" if user else None),
        "user": (summary and summary.user) or user or None,
        "name": (summary and summary.user_name) or None,
        "object_id": (summary and summary.object_id) or None,
        "tenant": (summary and summary.tenant) or request.authority.tenant or None,
        "client_id": (summary and summary.client_id) or request.client_id or None,
        "client": (summary and summary.client) or None,
        "audience": (summary and summary.audience) or None,
        "permissions": [*summary.delegated, *summary.application] if summary else [],
        "expires_on": token.expires_on,
        "source": source.name,
        "profile": source.profile or None,
        "account": getattr(request.credential, "account", "") or None,
    }

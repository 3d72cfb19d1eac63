"""`mstoken logout`: forget a sign-in."""

from __future__ import annotations

import click

from mstoken.cli import output
from mstoken.cli.accounts import ACCOUNT_PREFIX, account_name
from mstoken.cli.command import command
from mstoken.cli.identity import open_stores
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from mstoken.errors import MstokenError

    try:
        kept = open_stores().refresh_tokens.list_sign_ins()
    except MstokenError:  # completion says nothing rather than an error
        return []
    return [CompletionItem(account_name(key)) for key in kept if account_name(key).startswith(incomplete)]


@command(short_help="Forget a sign-in and its tokens.")
@click.argument("account", shell_complete=_names)
def logout(account: str) -> None:
    """Forget the sign-in kept as ACCOUNT, and the access tokens kept of it; `mstoken accounts` lists the names.

    The profile stays. This machine forgets; Entra does not: access tokens that were handed out go on working for up to
    their life, and a sign-in on a lost machine is ended by an administrator (Revoke sessions), or by the person at
    https://myaccount.microsoft.com, "Sign out everywhere".

    \b
      mstoken logout work
    """
    from mstoken.errors import UsageError
    from mstoken.model import TokenInfo
    from mstoken.texts import closest_match, did_you_mean

    stores = open_stores()
    kept = stores.refresh_tokens.list_sign_ins()
    key = next((one for one in (f"{ACCOUNT_PREFIX}{account}", account) if one in kept), "")
    if not key:
        known = [account_name(one) for one in kept]
        raise UsageError(
            f"No sign-in is kept as {shown(account)!r}.",
            f"{did_you_mean(closest_match(account, known))}See what is kept: mstoken accounts",
        )
    stores.refresh_tokens.remove(key)
    gone = stores.access_tokens.forget(TokenInfo(account=account_name(key)))
    output.message(f"Forgot the sign-in {account} and {gone} access token{'' if gone == 1 else 's'} kept of it.")

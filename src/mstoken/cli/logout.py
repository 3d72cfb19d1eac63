"""`mstoken logout`: remove a stored sign-in."""

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
    except MstokenError:  # completion reports no errors
        return []
    return [CompletionItem(account_name(key)) for key in kept if account_name(key).startswith(incomplete)]


@command(short_help="Remove a sign-in and its tokens.")
@click.argument("account", shell_complete=_names)
def logout(account: str) -> None:
    """Remove the sign-in stored as ACCOUNT, and its cached access tokens. `mstoken accounts` lists the names.

    The profile stays. Entra does not learn of the sign-out: access tokens that were already issued stay valid until
    they expire. If a machine is lost, an administrator ends its sign-ins (Revoke sessions), or the user at
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
            f"There is no stored sign-in {shown(account)!r}.",
            f"{did_you_mean(closest_match(account, known))}List the sign-ins: mstoken accounts",
        )
    stores.refresh_tokens.remove(key)
    gone = stores.access_tokens.forget(TokenInfo(account=account_name(key)))
    output.message(f"Removed the sign-in {account} and {gone} cached access token{'' if gone == 1 else 's'}.")

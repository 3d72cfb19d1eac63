"""`mstoken logout`: remove a stored sign-in."""

from __future__ import annotations

import click

from mstoken.cli import output
from mstoken.cli.accounts import ACCOUNT_PREFIX, account_name
from mstoken.cli.command import command
from mstoken.cli.identity import open_stores
from mstoken.model import TokenInfo
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem


def _names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from mstoken.errors import MstokenError

    try:
        sign_ins = open_stores().refresh_tokens.list_sign_ins()
    except MstokenError:  # completion reports no errors
        return []
    return [CompletionItem(account_name(key)) for key in sign_ins if account_name(key).startswith(incomplete)]


@command(short_help="Remove a sign-in and its tokens.")
@click.argument("account", required=False, shell_complete=_names)
@click.option("--all", "everything", is_flag=True, help="Remove every stored sign-in.")
def logout(account: str | None, everything: bool) -> None:
    """Remove the sign-in stored as ACCOUNT, and its cached access tokens. `mstoken accounts` lists the names.

    If only one sign-in is stored, you can leave ACCOUNT out. The profile stays. Entra does not learn of the sign-out:
    access tokens that were already issued stay valid until they expire. If a machine is lost, an administrator ends its
    sign-ins (Revoke sessions), or the user at https://myaccount.microsoft.com, "Sign out everywhere".

    \b
      mstoken logout
      mstoken logout work
      mstoken logout --all
    """
    from mstoken.errors import UsageError

    if account == "":  # `mstoken logout "$NAME"` with the variable unset must not remove the only sign-in
        raise UsageError("The name of the sign-in is empty.", "Omit it, or give it a value.")
    if account and everything:
        raise UsageError("--all removes every sign-in, so it takes no name.", "Leave out the name, or --all.")
    stores = open_stores()
    stored = list(stores.refresh_tokens.list_sign_ins())
    if everything and not stored:
        output.message("There are no stored sign-ins.")
        return
    for key in stored if everything else [_key_of(account or "", stored)]:
        stores.refresh_tokens.remove(key)
        gone = stores.access_tokens.forget(TokenInfo(account=account_name(key)))
        tokens = f"{gone} cached access token{'' if gone == 1 else 's'}"
        output.message(f"Removed the sign-in {account_name(key)} and {tokens}.")


def _key_of(account: str, stored: Sequence[str]) -> str:
    """Return the key of the sign-in `account`, or of the only one for ''. Raises UsageError."""
    from mstoken.errors import UsageError
    from mstoken.texts import closest_match, did_you_mean

    names = [account_name(key) for key in stored]
    if not account:
        if len(stored) == 1:
            return stored[0]
        raise UsageError(
            f"There are {len(stored)} stored sign-ins; name the one to remove." if stored else "There are no sign-ins.",
            f"One of {', '.join(map(shown, names))}; or all: mstoken logout --all" if stored else "",
        )
    key = next((key for key in (f"{ACCOUNT_PREFIX}{account}", account) if key in stored), "")
    if not key:
        raise UsageError(
            f"There is no stored sign-in {shown(account)!r}.",
            f"{did_you_mean(closest_match(account, names))}List the sign-ins: mstoken accounts",
        )
    return key

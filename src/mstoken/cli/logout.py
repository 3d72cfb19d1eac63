"""`mstoken logout`: forget a sign-in."""

from __future__ import annotations

import click

from mstoken.cli import output
from mstoken.cli.accounts import PREFIX, name_of
from mstoken.cli.command import command
from mstoken.cli.identity import own_stores
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from mstoken.errors import MstokenError

    try:
        kept = own_stores().refresh_tokens.names()
    except MstokenError:  # completion says nothing rather than an error
        return []
    return [CompletionItem(name_of(key)) for key in kept if name_of(key).startswith(incomplete)]


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
    from mstoken.texts import did_you_mean, nearest

    stores = own_stores()
    kept = stores.refresh_tokens.names()
    key = next((one for one in (f"{PREFIX}{account}", account) if one in kept), "")
    if not key:
        known = [name_of(one) for one in kept]
        raise UsageError(
            f"No sign-in is kept as {account!r}.",
            f"{did_you_mean(nearest(account, known))}See what is kept: mstoken accounts",
        )
    stores.refresh_tokens.remove(key)
    gone = stores.access_tokens.forget(TokenInfo(account=name_of(key)))
    output.note(f"Forgot the sign-in {account} and {gone} access token{'' if gone == 1 else 's'} kept of it.")

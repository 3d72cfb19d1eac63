"""`mstoken accounts`: list the stored sign-ins."""

from __future__ import annotations

import time

from mstoken.cli import output
from mstoken.cli.command import command, form_option
from mstoken.cli.identity import open_stores
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.store_port import SignInInfo

DAY = 24 * 3600
_HEADINGS = ("ACCOUNT", "USER", "TENANT", "CLIENT", "SIGNED IN", "RENEWED", "STATE")
ACCOUNT_PREFIX = "account:"


@command(short_help="List the stored sign-ins.")
@form_option("table", "json")
def accounts(form: str) -> None:
    """List the sign-ins in the vault: account, user, tenant, application, age, and how long each stays valid.

    The command shows no secrets and decrypts none. Entra ends a sign-in that is not used for 90 days; each use starts
    the 90 days again. Entra may end a sign-in earlier, for example if the password changes, or if an administrator or a
    policy requires it.

    \b
      mstoken accounts
      mstoken accounts -o json | jq -r '.[].account'
    """
    kept = open_stores().refresh_tokens.list_sign_ins()
    if form == "json":
        output.write_json([_record(key, one) for key, one in kept.items()])
        return
    now = int(time.time())
    if not kept:
        output.message("There are no stored sign-ins. Sign in: mstoken login --tenant TENANT --client-id ID")
        return
    output.write_table(_HEADINGS, [_row(key, one, now) for key, one in kept.items()])


def _record(key: str, kept: SignInInfo) -> dict[str, object]:
    """Return one account for JSON output; times are epoch seconds, UTC."""
    info = kept.info
    return {
        "account": account_name(key),
        "username": info.username or None,
        "authority": info.authority,
        "tenant": info.tenant,
        "client_id": info.client_id,
        "signed_in_on": kept.created_on,
        "renewed_on": kept.renewed_on,
        "expires_on": kept.expires_on,
        "renewals": list(kept.renewals),
        "ended_by": kept.ended_by or None,
    }


def _row(key: str, kept: SignInInfo, now: int) -> tuple[str, ...]:
    info = kept.info
    ages = (_ago(now - kept.created_on), _ago(now - kept.renewed_on))
    where = (info.username or "-", info.tenant or info.authority or "-", info.client_id or "-")
    return account_name(key), *where, *ages, _state(kept, now)


def _state(kept: SignInInfo, now: int) -> str:
    if kept.ended_by:
        return f"ended (AADSTS{kept.ended_by})"
    if kept.expires_on is None:
        return "-"
    left = kept.expires_on - now
    return (
        f"valid for {left // DAY} days if unused" if left >= DAY else "expires soon" if left > 0 else "probably expired"
    )


def _ago(seconds: int) -> str:
    """Return an age in the largest unit that fits."""
    for unit, size in (("d", DAY), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"


def account_name(key: str) -> str:
    """Return the account's name in a key; the whole key if the sign-in was stored without a name."""
    return key.removeprefix(ACCOUNT_PREFIX)

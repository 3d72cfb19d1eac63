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
_SOON_IN, _URGENT_IN = 30 * DAY, 10 * DAY
"""Seconds left to a refresh token that nothing uses: 60 and 80 days after the last use (mstoken keepalive)."""
_HEADINGS = ("ACCOUNT", "USER", "TENANT", "CLIENT", "SIGNED IN", "RENEWED", "STATE")
ACCOUNT_PREFIX = "account:"


@command(short_help="List the stored sign-ins.")
@form_option("table", "json")
def accounts(form: str) -> None:
    """List the sign-ins in the vault: account, user, tenant, application, age, and how long each stays valid.

    The command shows no secrets and decrypts none. Entra ends a sign-in that is not used for 90 days; each use starts
    the 90 days again. Entra may end a sign-in earlier, for example if the password changes, or if an administrator or a
    policy requires it. After 60 days without use, renew it: mstoken keepalive.

    \b
      mstoken accounts
      mstoken accounts -o json | jq -r '.[].account'
    """
    sign_ins = open_stores().refresh_tokens.list_sign_ins()
    if form == "json":
        output.write_json([_record(key, sign_in) for key, sign_in in sign_ins.items()])
        return
    now = int(time.time())
    if not sign_ins:
        output.message("There are no stored sign-ins. Sign in: mstoken login --tenant TENANT --client-id ID")
        return
    output.write_table(_HEADINGS, [_row(key, sign_in, now) for key, sign_in in sign_ins.items()])


def _record(key: str, sign_in: SignInInfo) -> dict[str, object]:
    """Return one account for JSON output; times are epoch seconds, UTC."""
    info = sign_in.info
    return {
        "account": account_name(key),
        "username": info.username or None,
        "authority": info.authority,
        "tenant": info.tenant,
        "client_id": info.client_id,
        "signed_in_on": sign_in.created_on,
        "renewed_on": sign_in.renewed_on,
        "expires_on": sign_in.expires_on,
        "renewals": list(sign_in.renewals),
        "ended_by": sign_in.ended_by or None,
    }


def _row(key: str, sign_in: SignInInfo, now: int) -> tuple[str, ...]:
    info = sign_in.info
    ages = (_ago(now - sign_in.created_on), _ago(now - sign_in.renewed_on))
    where = (info.username or "-", info.tenant or info.authority or "-", info.client_id or "-")
    return account_name(key), *where, *ages, _state(sign_in, now)


def _state(sign_in: SignInInfo, now: int) -> str:
    if sign_in.ended_by:
        return f"ended (AADSTS{sign_in.ended_by})"
    if sign_in.expires_on is None:
        return "-"
    remaining_in = sign_in.expires_on - now
    urgency = "renew it now, " if remaining_in <= _URGENT_IN else "renew it soon, " if remaining_in <= _SOON_IN else ""
    return (
        f"{urgency}valid for {remaining_in // DAY} days if unused"
        if remaining_in >= DAY
        else "expires soon"
        if remaining_in > 0
        else "probably expired"
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

"""`mstoken keepalive`: renew sign-ins before they die of disuse."""

from __future__ import annotations

import time

import click

from mstoken.cli import exit_codes, output
from mstoken.cli.command import command
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mstoken.client import Client
    from mstoken.config.profiles import Profile
    from mstoken.flows.store_port import SignInInfo, Stores

DAY_IN = 24 * 3600
ACCOUNT_PREFIX = "account:"
_PROGRAM_OWNED_PREFIXES = ("session ",)
"""Beginnings of names that only the program which keeps them can renew: its own credential is needed."""


@value
class StoredSignIn:
    """One kept sign-in and how to get a client for it; None where only its own program can renew it."""

    name: str
    kept: SignInInfo
    client: Callable[[], Client] | None


@command(short_help="Renew the sign-ins that grow old; for cron.")
@click.option(
    "--older-than",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Renew those not renewed for so many days; Entra ends them after 90.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def keepalive(older_than: int, dry_run: bool) -> int:
    """Renew the kept sign-ins that grow old, so that none dies of disuse. One line for each.

    Each renewal gives a new refresh token, good for another 90 days. The exit code is 6 when some could not be renewed.

    \b
      mstoken keepalive
      17 5 * * 1  mstoken keepalive --older-than 21     a line of a crontab
    """
    rows, failed, now = [], False, int(time.time())
    for sign_in in _sign_ins():
        age_in = now - sign_in.kept.renewed_on
        if sign_in.client is None:
            said = "left: the program that keeps it has to renew it"
        elif -DAY_IN < age_in < older_than * DAY_IN:  # a later renewal yet was noted by a clock that was wrong
            said = "left: young enough"
        elif dry_run:
            said = "would be renewed"
        else:
            problem = _renew(sign_in.client)
            failed = failed or bool(problem)
            said = problem or "renewed"
        rows.append((sign_in.name, _age(age_in), said))
    if rows:
        output.write_table(("ACCOUNT", "LAST RENEWED", "NOW"), rows)
    else:
        output.message("No sign-in is kept.")
    return exit_codes.SOME_FAILED if failed else exit_codes.DONE


def _renew(client: Callable[[], Client]) -> str:
    """Why it could not be renewed, and what to do; '' when it was."""
    from mstoken.errors import MstokenError

    try:
        with client() as asking:
            asking.renew_sign_in()
    except MstokenError as error:
        return "failed: " + " Next: ".join(part for part in (error.message, error.remedy.partition("\n")[0]) if part)
    return ""


def _age(age_in: int) -> str:
    days = age_in // DAY_IN
    if age_in <= -DAY_IN:
        return "in time to come"
    return "today" if days <= 0 else f"{days} day{'s' if days > 1 else ''} ago"


def _sign_ins() -> Iterator[StoredSignIn]:
    """Every kept sign-in: those of profiles with all that the profile says, the others by what is kept with them.

    Raises UsageError for a configuration that cannot be used, StoreError for a vault that cannot be read.
    """
    import os

    from mstoken.cli.identity import open_stores
    from mstoken.config import profiles
    from mstoken.config.layers import Layers

    found: dict[str, Stores] = {}
    seen: set[tuple[str, str]] = set()
    for name in profiles.names():
        layers = Layers({}, {}, profiles.load(name))
        account = layers.text("account")
        store = layers.store() or os.environ.get("MSTOKEN_STORE", "")
        if store not in found:
            found[store] = open_stores(store)
        kept = found[store].refresh_tokens.list_sign_ins().get(ACCOUNT_PREFIX + account) if account else None
        if kept and (store, account) not in seen:
            seen.add((store, account))
            yield StoredSignIn(account, kept, _profile_client(name, found[store]))
    store = os.environ.get("MSTOKEN_STORE", "")
    stores = found.get(store) or open_stores(store)
    for key, kept in stores.refresh_tokens.list_sign_ins().items():
        account = key.removeprefix(ACCOUNT_PREFIX)
        if (store, account) not in seen:
            own = (
                not key.startswith(ACCOUNT_PREFIX)
                or account.startswith(_PROGRAM_OWNED_PREFIXES)
                or not kept.info.client_id
            )
            yield StoredSignIn(account, kept, None if own else _stored_client(account, kept, stores))


def _profile_client(name: str, stores: Stores) -> Callable[[], Client]:
    """A client of the profile, whoever the environment speaks of."""

    def make() -> Client:
        from mstoken.client import Client
        from mstoken.config import profiles
        from mstoken.config.layers import Layers

        profile = profiles.load(name)
        return Client.from_settings(Layers({}, _environment_proofs(profile), profile).settings(), stores)

    return make


def _environment_proofs(profile: Profile) -> dict[str, str]:
    """The application's proof from the environment, where the profile has none and both mean the same application."""
    import os

    from mstoken.config import environment
    from mstoken.config.proofs import PROOFS

    given, ours = environment.read_variables(os.environ), profile.values.get("client_id", "")
    if any(name in profile.values for name in PROOFS) or given.get("client_id", ours) != ours:
        return {}
    return {name: value for name, value in given.items() if name.startswith(PROOFS)}


def _stored_client(account: str, kept: SignInInfo, stores: Stores) -> Callable[[], Client]:
    """A public client with what was noted at the sign-in."""

    def make() -> Client:
        from mstoken.authority import Authority
        from mstoken.client import Client
        from mstoken.credentials import RefreshToken

        info = kept.info
        where = info.authority if info.tenant else Authority.oauth(info.authority)
        return Client(info.tenant, info.client_id, RefreshToken(account=account), where, stores)

    return make

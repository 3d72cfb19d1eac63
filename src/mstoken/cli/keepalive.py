"""`mstoken keepalive`: renew sign-ins before they expire."""

from __future__ import annotations

import time

import click

from mstoken.cli import exit_codes, output
from mstoken.cli.command import WholeNumber, command
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
"""Prefixes of sign-ins that only the program that stored them can renew, with its own credential."""


@value
class StoredSignIn:
    """A stored sign-in, and a function that makes a client for it; None if only its own program can renew it."""

    name: str
    info: SignInInfo
    client: Callable[[], Client] | None


@command(short_help="Renew old sign-ins; for cron.")
@click.option(
    "--older-than",
    type=WholeNumber(0, of="days"),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Renew sign-ins not renewed for DAYS; Entra ends them after 90.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, without doing it.")
@click.option("--quiet", "-q", is_flag=True, help="Print only the sign-ins that could not be renewed.")
@click.option("--verbose", "-v", is_flag=True, help="Print the sign-ins that were skipped, too.")
def keepalive(older_than: int, dry_run: bool, quiet: bool, verbose: bool) -> int:
    """Renew the stored sign-ins that are old, so that none expires. Print one line for each that was due.

    Each renewal returns a new refresh token, valid for another 90 days. If none is due, nothing is printed, so that
    cron sends no mail. The exit code is 6 if some could not be renewed.

    \b
      mstoken keepalive
      17 5 * * 1  mstoken keepalive --older-than 21     # in a crontab
    """
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose exclude each other.")
    rows, any_sign_in, failed, now = [], False, False, int(time.time())
    for sign_in in _sign_ins():
        age_in, any_sign_in, problem = now - sign_in.info.renewed_on, True, ""
        if sign_in.client is None:
            outcome = "skipped: only the program that stored it can renew it"
        elif -DAY_IN < age_in < older_than * DAY_IN:  # a renewal in the future was recorded by a wrong clock
            outcome = "skipped: recent enough"
        elif dry_run:
            outcome = "would be renewed"
        else:
            problem = _renew(sign_in.client)
            failed = failed or bool(problem)
            outcome = problem or "renewed"
        skipped = outcome.startswith("skipped")
        if verbose or problem or not (quiet or (skipped and not dry_run)):
            rows.append((sign_in.name, _age(age_in), outcome))
    if rows:
        output.write_table(("ACCOUNT", "LAST RENEWED", "NOW"), rows)
    elif verbose and not any_sign_in:
        output.message("There are no stored sign-ins.")
    return exit_codes.SOME_FAILED if failed else exit_codes.DONE


def _renew(client: Callable[[], Client]) -> str:
    """Return why the sign-in could not be renewed and what to do; '' on success."""
    from mstoken.errors import MstokenError

    try:
        with client() as opened:
            opened.renew_sign_in()
    except MstokenError as error:
        return "failed: " + " Next: ".join(part for part in (error.message, error.remedy.partition("\n")[0]) if part)
    return ""


def _age(age_in: int) -> str:
    days = age_in // DAY_IN
    if age_in <= -DAY_IN:
        return "in the future"
    return "today" if days <= 0 else f"{days} day{'s' if days > 1 else ''} ago"


def _sign_ins() -> Iterator[StoredSignIn]:
    """Yield every stored sign-in: with a profile's settings if it has a profile, else with the information stored
    beside it.

    Raises UsageError for an invalid configuration, StoreError for a vault that cannot be read.
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
        sign_in = found[store].refresh_tokens.list_sign_ins().get(ACCOUNT_PREFIX + account) if account else None
        if sign_in and (store, account) not in seen:
            seen.add((store, account))
            yield StoredSignIn(account, sign_in, _profile_client(name, found[store]))
    store = os.environ.get("MSTOKEN_STORE", "")
    stores = found.get(store) or open_stores(store)
    for key, sign_in in stores.refresh_tokens.list_sign_ins().items():
        account = key.removeprefix(ACCOUNT_PREFIX)
        if (store, account) not in seen:
            own = (
                not key.startswith(ACCOUNT_PREFIX)
                or account.startswith(_PROGRAM_OWNED_PREFIXES)
                or not sign_in.info.client_id
            )
            yield StoredSignIn(account, sign_in, None if own else _stored_client(account, sign_in, stores))


def _profile_client(name: str, stores: Stores) -> Callable[[], Client]:
    """Return a function that makes a client of the profile, whatever identity the environment names."""

    def make() -> Client:
        from mstoken.client import Client
        from mstoken.config import profiles
        from mstoken.config.layers import Layers

        profile = profiles.load(name)
        return Client.from_settings(Layers({}, _environment_proofs(profile), profile).settings(), stores)

    return make


def _environment_proofs(profile: Profile) -> dict[str, str]:
    """Return the application's credential from the environment, if the profile has none and the same application."""
    from mstoken.config import environment
    from mstoken.config.proofs import PROOFS
    from mstoken.hidden import ENVIRON

    variables, client_id = environment.read_variables(ENVIRON), profile.values.get("client_id", "")
    if any(name in profile.values for name in PROOFS) or variables.get("client_id", client_id) != client_id:
        return {}
    return {name: value for name, value in variables.items() if name.startswith(PROOFS)}


def _stored_client(account: str, sign_in: SignInInfo, stores: Stores) -> Callable[[], Client]:
    """Return a function that makes a public client with the information stored at the sign-in."""

    def make() -> Client:
        from mstoken.authority import Authority
        from mstoken.client import Client
        from mstoken.credentials import RefreshToken

        info = sign_in.info
        where = info.authority if info.tenant else Authority.oauth(info.authority)
        return Client(info.tenant, info.client_id, RefreshToken(account=account), where, stores)

    return make

"""User names and passwords."""

from entra_emulator.aadsts import EntraError
from entra_emulator.model import Tenant, User
from entra_emulator.policy.account import check_password
from entra_emulator.tokens.optional_claims import user_of_hint

from .exchange import Exchange


def find_person(exchange: Exchange, username: str) -> tuple[Tenant, User]:
    """Return the user with a name, and their home tenant.

    :raises EntraError: 50034.
    """
    found = exchange.world.state.user(username)
    if found is None:
        tenant = exchange.tenant()
        raise EntraError(50034, tenant=tenant.domain if tenant else username.partition("@")[2] or username)
    return found


def hinted(exchange: Exchange, hint: str) -> str:
    """Return the user name for a `login_hint`, which is a user name or the value of the optional claim `login_hint`."""
    name = user_of_hint(hint)
    found = exchange.world.state.user(name) if name != hint else None
    return found[1].upn if found else hint


def check(exchange: Exchange, home: Tenant, user: User, password: str) -> None:
    """Check the password and the account.

    :raises EntraError: the codes of `check_password`.
    """
    check_password(home, user, password, exchange.world.clock.now())

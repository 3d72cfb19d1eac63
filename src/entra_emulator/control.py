"""What a test or the admin API does with a running emulator, beside making things: sign in, revoke, fail, move time."""

import math
import secrets
from pathlib import Path
from typing import Any

from . import saved
from .checks import check_fault
from .clock import Clock
from .config import Config
from .directory import Directory
from .faults import Fault
from .model import App, RefreshToken, Tenant, User
from .state import State
from .strict import make
from .tokens.keys import Issued, KeyRing
from .world import LoggedRequest, RequestLog, World


class Control(Directory):
    """An emulator's state and levers, whoever pulls them.

    :param config: path of a TOML file, or of a JSON file that `save` wrote; a mapping; None for the built-in tenants.
    :raises ConfigError: the configuration cannot be used.
    """

    def __init__(self, config: Config = None) -> None:
        self._config = config
        start = saved.load(config)
        self._world = World(start.state, Clock(start.offset_in), start.keys or KeyRing(), port=0)
        self.admin_key = secrets.token_urlsafe(24)

    @property
    def state(self) -> State:  # type: ignore[override]  # the base class has it as a plain attribute
        """Tenants, applications and refresh tokens. Change them as you like, at any time."""
        return self._world.state

    @property
    def clock(self) -> Clock:
        """The emulator's clock, which can be moved."""
        return self._world.clock

    @property
    def faults(self) -> list[Fault]:
        """The failures ordered and not used up."""
        return self.state.faults

    @property
    def requests(self) -> RequestLog:
        """The requests so far, oldest first; at least the last 10,000 of them. Clear it as you like."""
        return self._world.requests

    @property
    def token_requests(self) -> list[LoggedRequest]:
        """Those of the requests that asked for a token."""
        return [request for request in self.requests if request.is_token_request]

    @property
    def issued(self) -> list[Issued]:
        """Headers and claims of the last tokens issued, newest last."""
        return list(self._world.keys.issued)

    def inject(self, *, times: int | None = 1, **what: Any) -> Fault:
        """Order a failure for the next `times` requests that fit (None: until it is taken out of `faults`).

            entra.inject(code=50076)                     # the next token request is refused with AADSTS50076
            entra.inject(status=429, retry_after_in=2, times=3)
            entra.inject(cut="before", service="graph")

        :param what: fields of the class Fault.
        :raises ValueError: the fault does nothing, or something that does not exist.
        :raises TypeError: a name is not a field of the class Fault.
        """
        fault = make(Fault, times=times, **what)
        check_fault(fault)
        self.faults.append(fault)
        return fault

    def sign_in(
        self,
        user: str | User,
        app: str | App | None = None,
        *,
        mfa: bool | None = None,
        scopes: str = "https://graph.microsoft.com/.default",
        **session: Any,
    ) -> str:
        """A refresh token as if the user (UPN or id) had just signed in to the application (default: the default one).

        :param mfa: whether with multi-factor authentication; None for what the user usually does.
        :param scopes: the scopes of the sign-in, which a refresh without `scope` requests again.
        :param session: other facts of the sign-in: `amr`, `device`, `bound` (see the class RefreshToken).
        :raises LookupError: no such user or application.
        """
        home, person = self.find_user(user)
        client, now = self.find_app(app or ""), self.clock.now()
        strong = person.mfa if mfa is None else mfa
        facts: dict[str, Any] = {"amr": ("pwd", "mfa") if strong else ("pwd",), **session}
        record = RefreshToken(
            app=client.id,
            user=person.id,
            home=home.id,
            scopes=scopes,
            granted_on=now,
            issued_on=now,
            **facts,
        )
        return self.state.refresh_tokens.issue(record)

    def revoke(self, user: str | User) -> None:
        """Revoke all of a user's sessions now: refresh tokens die, APIs challenge the clients that can handle it.

        The clock goes on to the next full second, so that every later token is told apart from every earlier one.

        :raises LookupError: no such user.
        """
        self.find_user(user)[1].tokens_valid_from = self._next_second()

    def revoke_app(self, app: str | App = "", tenant: str | Tenant = "") -> None:
        """Revoke an application's own tokens of a tenant; APIs challenge it, as they do users.

        :raises LookupError: no such application, or it is not in the tenant.
        """
        client, where = self.find_app(app), self.find_tenant(tenant)
        principal = where.principal(client.id)
        if principal is None:
            raise LookupError(f"Application '{client.id}' has no service principal in the tenant '{where.id}'.")
        principal.tokens_valid_from = self._next_second()

    def _next_second(self) -> float:
        now = self.clock.now()
        moment = float(math.floor(now) + 1)
        self.clock.advance(moment - now)
        return moment

    def rotate_keys(self, *, keep: int = 1, emergency: bool = False) -> str:
        """Sign with the next key, which is published already; the newest `keep` old ones stay published.

        :param emergency: sign with a key that was never published, and withdraw all others.
        :return: the new key's id.
        """
        return self._world.keys.rotate(keep=keep, emergency=emergency).kid

    def save(self, path: str | Path) -> None:
        """Write everything to a JSON file that can be given as a configuration later: state, sessions, keys, clock.

        It is private to its owner (0600), because it has the secrets of the made-up applications in it.
        """
        saved.write(Path(path), self.snapshot())

    def snapshot(self) -> dict[str, Any]:
        """What `save` writes."""
        return saved.snapshot(self.state, self._world.keys, self.clock)

    def restore(self, config: Config) -> None:
        """Put another state in the place of this one, and forget requests and sign-ins under way.

        :raises ConfigError: the configuration cannot be used; nothing is changed then.
        """
        start, world = saved.load(config), self._world
        world.state, world.clock.offset_in = start.state, start.offset_in
        world.keys = start.keys or world.keys
        world.interaction = type(world.interaction)()
        world.keys.issued.clear()
        world.requests.clear()

    def reset(self) -> None:
        """Begin again with the configuration the emulator was started with."""
        self.restore(self._config)

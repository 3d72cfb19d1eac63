"""Control a running emulator from a test or the admin API: sign users in, revoke, inject faults, set the clock."""

import math
import secrets
from pathlib import Path
from typing import Any

from . import saved
from .checks import check_fault, check_throttle
from .clock import Clock
from .config import Config
from .directory import Directory
from .faults import Fault
from .ids import new_id
from .interaction import Identity
from .model import App, RefreshToken, Tenant, User
from .scripted_browser import BrowserRedirect, Form, ScriptedBrowser, SignInFailed
from .state import State
from .strict import make
from .throttling import Throttle
from .tokens.keys import Issued, KeyRing
from .world import LoggedRequest, RequestLog, World


class Control(Directory):
    """An emulator's state and the operations on it.

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
        """Tenants, applications and refresh tokens. You can change them at any time."""
        return self._world.state

    @property
    def clock(self) -> Clock:
        """The emulator's clock, which you can advance."""
        return self._world.clock

    @property
    def faults(self) -> list[Fault]:
        """The injected faults that are not used up."""
        return self.state.faults

    @property
    def throttles(self) -> list[Throttle]:
        """The limits of the APIs; none at first."""
        return self.state.throttles

    @property
    def requests(self) -> RequestLog:
        """The requests so far, oldest first; at least the last 10,000 of them. You can clear the list."""
        return self._world.requests

    @property
    def token_requests(self) -> list[LoggedRequest]:
        """The token requests among `requests`."""
        return [request for request in self.requests if request.is_token_request]

    @property
    def issued(self) -> list[Issued]:
        """Headers and claims of the last tokens issued, newest last."""
        return list(self._world.keys.issued)

    def inject(self, *, times: int | None = 1, **fields: Any) -> Fault:
        """Inject a fault into the next `times` requests that match (None: until it is removed from `faults`).

            entra.inject(code=50076)                     # the next token request is refused with AADSTS50076
            entra.inject(status=429, retry_after_in=2, times=3)
            entra.inject(cut="before", service="graph")

        :param fields: fields of the class Fault.
        :raises ValueError: the fault has no effect, or an effect that does not exist.
        :raises TypeError: a name is not a field of the class Fault.
        """
        fault = make(Fault, times=times, **fields)
        check_fault(fault)
        self.faults.append(fault)
        return fault

    def throttle(self, units: int, window_in: float = 10.0, **fields: Any) -> Throttle:
        """Limit what an API's callers may use: `units` in `window_in` seconds; until it is removed from `throttles`.

            entra.throttle(20)                                   # Graph, for each application in each tenant
            entra.throttle(5, 60, service="arm", kind="Write", scope="Tenant")

        :param fields: fields of the class Throttle.
        :raises ValueError: a value does not exist or makes no sense.
        :raises TypeError: a name is not a field of the class Throttle.
        """
        made = make(Throttle, units, window_in, **fields)
        check_throttle(made)
        self.throttles.append(made)
        return made

    def sign_in(
        self,
        user: str | User,
        app: str | App | None = None,
        *,
        mfa: bool | None = None,
        scopes: str = "https://graph.microsoft.com/.default",
        **session: Any,
    ) -> str:
        """Return a refresh token, as if the user (UPN or id) had just signed in to the application.

        :param app: the application; None means the default one.
        :param mfa: whether the sign-in used multi-factor authentication; None for the user's usual method.
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

    def complete_sign_in(self, url: str, user: str | User, *, cancel: bool = False) -> BrowserRedirect:
        """Complete a sign-in that a program began in a browser: as the user, who approves and consents on every page.

            entra.complete_sign_in(url, "otto@northwind-partner.example").send()

        :param url: what the program would have opened in the browser; of any protocol that has pages.
        :param cancel: press Cancel instead.
        :return: the way back to the application; `send()` sends it there.
        :raises LookupError: no such user.
        :raises SignInFailed: the pages did not lead back to the application.
        """
        person = self.find_user(user)[1]
        answers = {"username": person.upn, "password": person.password or self.state.settings.password}
        end = self.browser().visit(url, answers, cancel=cancel)
        if isinstance(end, str):
            raise SignInFailed(f"The sign-in did not return to the application. The last page says: {Form(end).text}")
        return end

    def browser(self) -> ScriptedBrowser:
        """Return a browser without a person; only an emulator that serves has one."""
        raise NotImplementedError

    def approve_device(self, user: str | User, user_code: str = "", *, mfa: bool | None = None) -> None:
        """Approve a device code, as if the user had entered it in a browser and had signed in there.

        Nobody is asked for consent: without it, the device's token request is refused (AADSTS65001).

        :param user_code: the code that the device shows; empty for the newest one.
        :param mfa: whether the sign-in used multi-factor authentication; None for the user's usual method.
        :raises LookupError: no such user, or no device waits with this code.
        """
        home, person = self.find_user(user)
        interaction = self._world.interaction
        waiting = [code for code, device in interaction.devices.items() if device.status == "pending"]
        code = interaction.device_of(user_code) if user_code else next(reversed(waiting), "")
        if code not in waiting:
            raise LookupError(f"no device waits with the code {user_code}" if user_code else "no device waits")
        strong = person.mfa if mfa is None else mfa
        amr = ("pwd", "mfa") if strong else ("pwd",)
        device = interaction.devices[code]
        device.identity = Identity(person.id, home.id, amr, self.clock.now(), new_id())
        device.status = "approved"

    def revoke(self, user: str | User) -> None:
        """Revoke all of a user's sessions now: refresh tokens end, and APIs challenge the clients that can handle it.

        The clock advances to the next full second, so that later tokens can be distinguished from earlier ones.

        :raises LookupError: no such user.
        """
        self.find_user(user)[1].tokens_valid_from = self._next_second()

    def revoke_app(self, app: str | App = "", tenant: str | Tenant = "") -> None:
        """Revoke an application's own tokens in a tenant; APIs challenge it, as they challenge users' clients.

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
        """Sign with the next key, which is already published; the newest `keep` old keys stay published.

        :param emergency: sign with a key that was never published, and withdraw all others.
        :return: the new key's id.
        """
        return self._world.keys.rotate(keep=keep, emergency=emergency).kid

    def save(self, path: str | Path) -> None:
        """Write state, sessions, keys and clock to a JSON file, which can later be used as a configuration.

        Only its owner can read it (0600), because it contains the secrets of the emulated applications.
        """
        saved.write(Path(path), self.snapshot())

    def snapshot(self) -> dict[str, Any]:
        """Return the values that `save` writes."""
        return saved.snapshot(self.state, self._world.keys, self.clock)

    def restore(self, config: Config) -> None:
        """Replace the state with another one, and delete logged requests and pending sign-ins.

        :raises ConfigError: the configuration cannot be used; nothing changes then.
        """
        start, world = saved.load(config), self._world
        world.state, world.clock.offset_in = start.state, start.offset_in
        world.keys = start.keys or world.keys
        world.interaction, world.usage = type(world.interaction)(), type(world.usage)()
        world.deltas = type(world.deltas)()
        world.exports.clear()
        world.keys.issued.clear()
        world.requests.clear()

    def reset(self) -> None:
        """Return to the configuration with which the emulator started."""
        self.restore(self._config)

"""What the sign-in service stores between requests: authorization codes, pending sign-ins, browser sessions.

All of it is short-lived, and bounded: the oldest entries go when there are more than the numbers below, which are far
above what a test leaves open at a time.
"""

import secrets
from dataclasses import dataclass, field
from typing import Literal

from .ids import PERSONAL, new_id
from .parameters import Parameters
from .recent import Recent

USER_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that look alike
MOST_SIGN_INS = 10_000

DeviceStatus = Literal["pending", "approved", "declined", "redeemed"]


@dataclass(frozen=True)
class Identity:
    """Who signed in, the tenant that is their home, how (`amr`), when (epoch seconds), and in which session."""

    user: str
    home: str
    amr: tuple[str, ...]
    signed_in_on: float
    sid: str = ""


@dataclass
class BrowserSession:
    """A user who is signed in in a browser, and the applications (ids) the user has signed in to there."""

    who: Identity
    apps: list[str] = field(default_factory=list)


@dataclass
class AuthorizationCode:
    """What a code stands for. `challenge` is PKCE's, S256 or `plain`; `spa`: a single-page application redeems it.

    `redirect_uri` empty: any of the type `spa` that the application has (the code is the response's `spa_code`).
    """

    app: str
    who: Identity
    tenant: str
    scopes: str
    redirect_uri: str
    challenge: str
    method: str
    nonce: str
    issued_on: float
    spa: bool = False
    redeemed: bool = False


@dataclass
class DeviceSignIn:
    """A device that waits for its user."""

    app: str
    tenant: str
    scopes: str
    user_code: str
    issued_on: float
    status: DeviceStatus = "pending"
    who: Identity | None = None


@dataclass
class PendingSignIn:
    """A sign-in under way in a browser: the request's `parameters`, and how far the user has come.

    `device` is the code of the device it is for, empty for an authorization request. `version`: of the endpoint.
    `admin`: the request is for an administrator's consent. `fresh`: the password was entered in this sign-in, not in an
    earlier session; `renewed`: the second factor, again. `sid`: of the session it continues, empty for a new one.
    """

    app: str
    tenant_name: str
    parameters: Parameters
    device: str = ""
    user: str = ""
    home: str = ""
    amr: tuple[str, ...] = ()
    consented: bool = False
    confirmed: bool = False
    signed_in_on: float = 0.0
    version: int = 2
    fresh: bool = False
    renewed: bool = False
    admin: bool = False
    sid: str = ""


@dataclass
class Interaction:
    """All of it, by what the browser or the client presents."""

    codes: dict[str, AuthorizationCode] = field(default_factory=lambda: Recent(MOST_SIGN_INS))
    devices: dict[str, DeviceSignIn] = field(default_factory=lambda: Recent(MOST_SIGN_INS))
    pending_sign_ins: dict[str, PendingSignIn] = field(default_factory=lambda: Recent(MOST_SIGN_INS))
    sessions: dict[str, BrowserSession] = field(default_factory=lambda: Recent(MOST_SIGN_INS))

    def add_code(self, record: AuthorizationCode) -> str:
        """Issue a code, about as long as a real one, and with its beginning."""
        personal = record.who.home == PERSONAL
        code = f"M.C500_BAY.2.U.{new_id()}" if personal else f"1.A{secrets.token_urlsafe(500)}"
        self.codes[code] = record
        return code

    def add_device(self, record: DeviceSignIn) -> str:
        """Issue a device code."""
        code = secrets.token_urlsafe(150)
        self.devices[code] = record
        return code

    def device_of(self, user_code: str) -> str:
        """The device code that a user code belongs to; empty for none. Case, blanks and hyphens do not count."""
        wanted = "".join(letter for letter in user_code.upper() if letter.isalnum())
        return next((code for code, one in self.devices.items() if one.user_code == wanted), "")

    def add_pending(self, record: PendingSignIn) -> str:
        """Begin a sign-in; gives the token that its pages carry."""
        token = secrets.token_urlsafe(32)
        self.pending_sign_ins[token] = record
        return token

    def signed_in(self, who: Identity, app: str, cookie: str) -> str:
        """The browser with this cookie is signed in to an application; gives the cookie of its session.

        A session goes on as long as the same user signs in to one application after the other.
        """
        session = self.sessions.get(cookie)
        if session is None or session.who.sid != who.sid:
            cookie, session = secrets.token_urlsafe(48), BrowserSession(who)
            self.sessions[cookie] = session
        session.who = who
        if app not in session.apps:
            session.apps.append(app)
        return cookie


def new_user_code() -> str:
    """Nine letters and digits, as Entra's."""
    return "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(9))

"""What the sign-in service stores between requests: authorization codes, pending sign-ins, browser sessions.

All of it is short-lived and bounded: the oldest entries are dropped above the limits below, which far exceed what a
test has open at a time.
"""

import secrets
from dataclasses import dataclass, field
from typing import Literal

from .ids import PERSONAL, new_id
from .parameters import Parameters
from .recent import Recent

USER_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without characters that look alike
MOST_SIGN_INS = 10_000

DeviceStatus = Literal["pending", "approved", "declined", "redeemed"]


@dataclass(frozen=True)
class Identity:
    """The user who signed in, their home tenant, the methods (`amr`), the time (epoch seconds) and the session."""

    user: str
    home: str
    amr: tuple[str, ...]
    signed_in_on: float
    sid: str = ""


@dataclass
class BrowserSession:
    """The session of a user in a browser, with the applications (ids) to which the user has signed in."""

    identity: Identity
    apps: list[str] = field(default_factory=list)


@dataclass
class AuthorizationCode:
    """The data of a code. `challenge` is PKCE's, S256 or `plain`; `spa`: a single-page application redeems it.

    An empty `redirect_uri` means any of the application's of type `spa` (the code is the response's `spa_code`).
    `user_flow`: the name of the one of Azure AD B2C that issued it.
    """

    app: str
    identity: Identity
    tenant: str
    scopes: str
    redirect_uri: str
    challenge: str
    method: str
    nonce: str
    issued_on: float
    spa: bool = False
    redeemed: bool = False
    user_flow: str = ""


@dataclass
class DeviceSignIn:
    """A device that waits for its user."""

    app: str
    tenant: str
    scopes: str
    user_code: str
    issued_on: float
    status: DeviceStatus = "pending"
    identity: Identity | None = None


@dataclass(frozen=True)
class ApplicationRequest:
    """A request for a sign-in by SAML 2.0 or WS-Federation.

    `audience`: the application's identifier, as the request wrote it. `context`: RelayState or wctx, which is sent
    back. `name_format`: of the NameID, empty for any. `new_sign_in`: the session does not count. `passive`: no page may
    be shown. `methods`: the user must have signed in by one of them; "" is any, no entry none in particular.
    """

    protocol: Literal["saml2", "wsfed"]
    audience: str
    reply_url: str
    context: str = ""
    request_id: str = ""
    name_format: str = ""
    new_sign_in: bool = False
    passive: bool = False
    methods: tuple[str, ...] = ()


@dataclass
class PendingSignIn:
    """A pending sign-in in a browser: the request's `parameters`, and the steps that the user has completed.

    `device` is the code of the device it is for, empty for an authorization request. `version`: of the endpoint.
    `admin`: the request is for an administrator's consent. `fresh`: the password was entered in this sign-in, not in an
    earlier session; `renewed`: the second factor, again. `sid`: of the session it continues, empty for a new one.
    `user_flow`: the name of the one of Azure AD B2C whose pages it has. `application`: a request by SAML or
    WS-Federation, None for OAuth.
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
    user_flow: str = ""
    application: ApplicationRequest | None = None


@dataclass
class Interaction:
    """The stored entries, by the code, token or cookie that the browser or the client sends."""

    codes: dict[str, AuthorizationCode] = field(default_factory=lambda: Recent(MOST_SIGN_INS))
    devices: dict[str, DeviceSignIn] = field(default_factory=lambda: Recent(MOST_SIGN_INS))
    pending_sign_ins: dict[str, PendingSignIn] = field(default_factory=lambda: Recent(MOST_SIGN_INS))
    sessions: dict[str, BrowserSession] = field(default_factory=lambda: Recent(MOST_SIGN_INS))

    def add_code(self, record: AuthorizationCode) -> str:
        """Issue a code with about the length of a real one, and the same prefix."""
        personal = record.identity.home == PERSONAL
        code = f"M.C500_BAY.2.U.{new_id()}" if personal else f"1.A{secrets.token_urlsafe(500)}"
        self.codes[code] = record
        return code

    def add_device(self, record: DeviceSignIn) -> str:
        """Issue a device code."""
        code = secrets.token_urlsafe(150)
        self.devices[code] = record
        return code

    def device_of(self, user_code: str) -> str:
        """Return the device code for a user code, '' if it is unknown. Letter case, spaces and hyphens are ignored."""
        wanted = "".join(letter for letter in user_code.upper() if letter.isalnum())
        return next((code for code, device in self.devices.items() if device.user_code == wanted), "")

    def add_pending(self, record: PendingSignIn) -> str:
        """Begin a sign-in. Return the token that its pages contain."""
        token = secrets.token_urlsafe(32)
        self.pending_sign_ins[token] = record
        return token

    def signed_in(self, identity: Identity, app: str, cookie: str) -> str:
        """Record that the browser with this cookie is signed in to an application. Return the cookie of its session.

        The session continues while the same user signs in to further applications.
        """
        session = self.sessions.get(cookie)
        if session is None or session.identity.sid != identity.sid:
            cookie, session = secrets.token_urlsafe(48), BrowserSession(identity)
            self.sessions[cookie] = session
        session.identity = identity
        if app not in session.apps:
            session.apps.append(app)
        return cookie


def new_user_code() -> str:
    """Return a user code of nine letters and digits, like Entra's."""
    return "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(9))

"""What is remembered between a person's requests: codes handed out, sign-ins under way, browser sessions."""

import secrets
from dataclasses import dataclass, field
from typing import Literal

from .ids import PERSONAL, new_id
from .parameters import Parameters

USER_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that look alike

DeviceStatus = Literal["pending", "approved", "declined", "redeemed"]


@dataclass(frozen=True)
class Identity:
    """Who signed in, where their home is, how (`amr`), and when (epoch seconds)."""

    user: str
    home: str
    amr: tuple[str, ...]
    signed_in_on: float


@dataclass
class AuthorizationCode:
    """What a code stands for. `challenge` is PKCE's, S256 or `plain`; `spa`: only a web page may redeem it."""

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
    """A device that waits for its person."""

    app: str
    tenant: str
    scopes: str
    user_code: str
    issued_on: float
    status: DeviceStatus = "pending"
    who: Identity | None = None


@dataclass
class PendingSignIn:
    """A sign-in under way in a browser: what was asked for (`parameters`), and how far the person has come.

    `device` is the code of the device it is for, '' for an authorization request. `version`: of the endpoint.
    `fresh`: the password was asked for here, not taken from an earlier session; `renewed`: the second factor, again.
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


@dataclass
class Interaction:
    """All of it, by what the browser or the client has to present.

    `strengths`: how the user of an access token had signed in, by its `uti`; version 2.0 tokens do not say.
    """

    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    devices: dict[str, DeviceSignIn] = field(default_factory=dict)
    pending_sign_ins: dict[str, PendingSignIn] = field(default_factory=dict)
    sessions: dict[str, Identity] = field(default_factory=dict)
    authentication_methods: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add_code(self, record: AuthorizationCode) -> str:
        """Hand out a code, about as long as a real one, with its beginning."""
        personal = record.who.home == PERSONAL
        code = f"M.C500_BAY.2.U.{new_id()}" if personal else f"1.A{secrets.token_urlsafe(500)}"
        self.codes[code] = record
        return code

    def add_device(self, record: DeviceSignIn) -> str:
        """Hand out a device code."""
        code = secrets.token_urlsafe(150)
        self.devices[code] = record
        return code

    def device_of(self, user_code: str) -> str:
        """The device code a person's user code belongs to; '' for none. Case, blanks and hyphens do not count."""
        wanted = "".join(letter for letter in user_code.upper() if letter.isalnum())
        return next((code for code, one in self.devices.items() if one.user_code == wanted), "")

    def add_pending(self, record: PendingSignIn) -> str:
        """Begin a sign-in; gives what its pages carry along."""
        token = secrets.token_urlsafe(32)
        self.pending_sign_ins[token] = record
        return token

    def add_session(self, who: Identity) -> str:
        """Remember who signed in in this browser; gives the cookie's value."""
        cookie = secrets.token_urlsafe(48)
        self.sessions[cookie] = who
        return cookie


def new_user_code() -> str:
    """Nine letters and digits, as Entra's."""
    return "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(9))

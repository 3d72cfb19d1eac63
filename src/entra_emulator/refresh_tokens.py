"""Refresh tokens. As at Entra, a token contains its own data, so the emulator does not store it.

A sign-in therefore lasts until its refresh token ends (after 90 days without use, or when revoked), and tokens take no
memory. The emulator stores only the ids of the last 20,000 used tokens of applications whose refresh tokens are
single-use, including single-page applications, whose tokens live for a day.
"""

import hashlib
import hmac
import json
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from .ids import PERSONAL, base64url, from_base64url
from .recent import Recent

_SIZE = 900
"""Bytes, as in real refresh tokens: stores have limits."""
_MAC_SIZE, _ID_SIZE = 32, 12
_USED_REMEMBERED, _ISSUED_REMEMBERED = 20_000, 200
_WORK, _PERSONAL = "1.A", "M.C500_BAY.0.U.-C"


def _new_id() -> str:
    return secrets.token_hex(_ID_SIZE)


@dataclass(frozen=True)
class RefreshToken:
    """The data of a refresh token. Epoch seconds: `granted_on` is the sign-in, `issued_on` this token.

    `amr`: how the user signed in. `device`: the id of the device used. `bound`: bound to that device's key. `spa`: of a
    single-page application; it lives for a day from the sign-in and is single-use. `sid`: of the browser session. `id`
    is the id of this token, `came_of` that of the token it replaced. `user_flow`: the name of the one of Azure AD B2C
    that issued it.
    """

    app: str
    user: str
    home: str
    scopes: str
    granted_on: float
    issued_on: float
    amr: tuple[str, ...] = ("pwd",)
    device: str = ""
    bound: bool = False
    spa: bool = False
    sid: str = ""
    user_flow: str = ""
    came_of: str = field(default="", repr=False)
    id: str = field(default_factory=_new_id, repr=False)


class RefreshTokens:
    """Issues and reads the refresh tokens of one emulator. `issued`: the latest tokens, newest last."""

    def __init__(self, key: str = "", used: Iterable[str] = ()) -> None:
        self._key = bytes.fromhex(key) if key else secrets.token_bytes(_MAC_SIZE)
        self._used: Recent[str, None] = Recent(_USED_REMEMBERED)
        for name in used:
            self._used[name] = None
        self.issued: deque[str] = deque(maxlen=_ISSUED_REMEMBERED)

    def issue(self, record: RefreshToken) -> str:
        """Return a token that contains the record, authenticated with the emulator's key."""
        text = json.dumps(asdict(record), separators=(",", ":")).encode()
        text += b"\0" + secrets.token_bytes(max(_SIZE - len(text) - _MAC_SIZE - 1, 0))
        prefix = _PERSONAL if record.home == PERSONAL else _WORK
        token = f"{prefix}{base64url(self._mac(text) + text)}"
        self.issued.append(token)
        return token

    def parse(self, token: str) -> RefreshToken | None:
        """The record of a token; None if this emulator did not issue it."""
        prefix = next((kind for kind in (_WORK, _PERSONAL) if token.startswith(kind)), None)
        if prefix is None:
            return None
        try:
            raw = from_base64url(token.removeprefix(prefix))
        except ValueError:
            return None
        mac, text = raw[:_MAC_SIZE], raw[_MAC_SIZE:]
        if not hmac.compare_digest(mac, self._mac(text)):
            return None
        fields = json.loads(text.partition(b"\0")[0])
        return RefreshToken(**{**fields, "amr": tuple(fields["amr"])})

    def use_up(self, record_id: str) -> None:
        """Record that the token with this id is used."""
        if record_id:
            self._used[record_id] = None

    def is_used(self, record: RefreshToken) -> bool:
        """Return whether the token is used."""
        return record.id in self._used

    def saved(self) -> dict[str, object]:
        """Return the key and the used ids for a saved state, so that the tokens stay valid."""
        return {"key": self._key.hex(), "used": list(self._used)}

    def _mac(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, hashlib.sha256)

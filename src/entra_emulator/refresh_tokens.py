"""Refresh tokens, which hold what they stand for, as Entra's do: the emulator stores none of them.

So a sign-in is never forgotten before its refresh token ends (90 days without use, or revoked), and any number of them
takes no memory. Remembered are only the ids of those that were used up, the last 20,000 of them: applications that are
set to use each refresh token once, and single-page applications, whose tokens live a day.
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
    """What a refresh token stands for. Epoch seconds: `granted_on` is the sign-in, `issued_on` this very token.

    `amr`: how the user signed in. `device`: the id of the device it was done on. `bound`: to that device's key. `spa`:
    of a single-page application; it lives a day from the sign-in and is used once. `sid`: of the browser session.
    `id` names the token itself, `came_of` the one it was exchanged for.
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
    came_of: str = field(default="", repr=False)
    id: str = field(default_factory=_new_id, repr=False)


class RefreshTokens:
    """Issues and reads the refresh tokens of one emulator. `issued`: the last of them, newest last."""

    def __init__(self, key: str = "", used: Iterable[str] = ()) -> None:
        self._key = bytes.fromhex(key) if key else secrets.token_bytes(_MAC_SIZE)
        self._used: Recent[str, None] = Recent(_USED_REMEMBERED)
        for name in used:
            self._used[name] = None
        self.issued: deque[str] = deque(maxlen=_ISSUED_REMEMBERED)

    def issue(self, record: RefreshToken) -> str:
        """The token that stands for a record, authenticated by the emulator's key."""
        text = json.dumps(asdict(record), separators=(",", ":")).encode()
        text += b"\0" + secrets.token_bytes(max(_SIZE - len(text) - _MAC_SIZE - 1, 0))
        prefix = _PERSONAL if record.home == PERSONAL else _WORK
        token = f"{prefix}{base64url(self._mac(text) + text)}"
        self.issued.append(token)
        return token

    def read(self, token: str) -> RefreshToken | None:
        """The record of a token; None if this emulator did not issue it."""
        prefix = next((one for one in (_WORK, _PERSONAL) if token.startswith(one)), None)
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
        """From now on the token with this id was used."""
        if record_id:
            self._used[record_id] = None

    def is_used(self, record: RefreshToken) -> bool:
        """Whether the token was used up."""
        return record.id in self._used

    def saved(self) -> dict[str, object]:
        """Key and used ids, for a saved state: the tokens stay valid."""
        return {"key": self._key.hex(), "used": list(self._used)}

    def _mac(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, hashlib.sha256)

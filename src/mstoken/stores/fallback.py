"""A shared store of access tokens with a fallback in memory: a failure costs requests and fails no call."""

from __future__ import annotations

from abc import abstractmethod

from mstoken.flows.store_port import NO_INFO
from mstoken.stores import token_file
from mstoken.stores.memory import MemoryAccessTokens
from mstoken.stores.token_file_reader import NOTE, TOKEN
from mstoken.typed import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.store_port import TokenInfo
    from mstoken.model import Note, Token
    from mstoken.stores.cipher import Cipher

    Dated = TypeVar("Dated", Token, Note)
    Decode = Callable[[str, bytes, Callable[[], Cipher]], Dated | None]
    Encode = Callable[[str, Cipher | None], bytes]


class FallbackAccessTokens:
    """Saves and loads tokens and notes. Those that the shared store rejects stay in the memory of this process.

    A subclass implements the access to the shared store; `kind` is TOKEN or NOTE. Its methods warn and do not raise.
    """

    def __init__(self) -> None:
        super().__init__()
        self._fallback = MemoryAccessTokens()

    @abstractmethod
    def _load(self, kind: str, key: str, decode: Decode[Dated]) -> Dated | None:
        """Return the stored value; None if there is none or it cannot be read."""

    @abstractmethod
    def _write(self, kind: str, key: str, expires_on: int, encode: Encode) -> bool:
        """Write the content. If that fails, remove the older content and return False."""

    @abstractmethod
    def _erase(self, kind: str, key: str) -> None:
        """Remove the content."""

    def load(self, key: str) -> Token | None:
        return _longer_valid(self._fallback.load(key), self._load(TOKEN, key, token_file.decode))

    def save(self, key: str, token: Token, info: TokenInfo = NO_INFO) -> None:
        if self._write(TOKEN, key, token.expires_on, lambda name, cipher: token_file.encode(name, token, cipher, info)):
            self._fallback.delete(key)
        else:
            self._fallback.save(key, token, info)

    def delete(self, key: str) -> None:
        self._fallback.delete(key)
        self._erase(TOKEN, key)

    def load_note(self, key: str) -> Note | None:
        return _longer_valid(self._fallback.load_note(key), self._load(NOTE, key, token_file.decode_note))

    def save_note(self, key: str, note: Note) -> None:
        if self._write(NOTE, key, note.expires_on, lambda name, cipher: token_file.encode_note(name, note, cipher)):
            self._fallback.delete_note(key)
        else:
            self._fallback.save_note(key, note)

    def delete_note(self, key: str) -> None:
        self._fallback.delete_note(key)
        self._erase(NOTE, key)


def _longer_valid(fallback: Dated | None, stored: Dated | None) -> Dated | None:
    """Return the value that expires later: after a failure, a store may have an older value than its fallback."""
    return fallback if fallback and (stored is None or stored.expires_on <= fallback.expires_on) else stored

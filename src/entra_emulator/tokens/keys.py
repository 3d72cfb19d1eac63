"""The keys of one emulator: signing, publication and rotation."""

import base64
import functools
import secrets
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from entra_emulator.ids import opaque

from .jwts import OWN, segment, unverified_header
from .signing_keys import PublicKey, SigningKey, header_as_signed, shared_key, shared_standbys

_REMEMBERED = 200
_SEALED_REMEMBERED = 10_000
_SEALED_SIZE = 900
_PUBLISHED, _PUBLISHED_FOR_CONSUMERS = 5, 3


class BadSignature(Exception):
    """The token is not a JWT that this emulator signed."""


@dataclass(frozen=True)
class Issued:
    """A token that was signed, without its signature; `header` is empty for a sealed one."""

    header: dict[str, str]
    claims: dict[str, Any]


class KeyRing:
    """The keys of one emulator. The first of `keys` signs, the others signed before it; all of them are accepted.

    `issued`: the last tokens signed, newest last.
    """

    def __init__(
        self, *keys: SigningKey, next_key: SigningKey | None = None, consumer_key: SigningKey | None = None
    ) -> None:
        if keys:
            self.keys = list(keys)
        if next_key:
            self.next_key = next_key
        if consumer_key:
            self.consumer_key = consumer_key
        self.issued: deque[Issued] = deque(maxlen=_REMEMBERED)
        self._sealed: dict[str, dict[str, Any]] = {}

    @functools.cached_property
    def keys(self) -> list[SigningKey]:
        """The keys that sign or have signed, the current one first."""
        return [shared_key()]

    @functools.cached_property
    def next_key(self) -> SigningKey:
        """The key that signs after the next rotation; it is published already."""
        return shared_key("next")

    @functools.cached_property
    def consumer_key(self) -> SigningKey:
        """The key of personal accounts, which another service than the organizations' one signs in."""
        return shared_key("consumers")

    @property
    def made(self) -> dict[str, SigningKey]:
        """Return `next_key` and `consumer_key`, if they have been generated."""
        return {name: vars(self)[name] for name in ("next_key", "consumer_key") if name in vars(self)}

    def prepare(self) -> None:
        """Start to generate the signing key, so that it is available sooner when the first token is requested.

        The thread is not a daemon, because stopping a daemon thread inside native code can abort the whole process.
        """
        if "keys" not in vars(self):
            threading.Thread(target=shared_key, name="entra-emulator-key").start()

    def complete(self) -> None:
        """Generate the missing keys that are published in addition to the one that signs."""
        _ = self.next_key, self.consumer_key

    def rotate(self, *, keep: int = 1, emergency: bool = False) -> SigningKey:
        """Sign with the next key, which is published already; the newest `keep` old ones stay published and accepted.

        :param emergency: sign with a key that was never published, and accept none of the old ones.
        """
        if emergency:
            self.keys = [SigningKey.generate()]
        else:
            self.keys = [self.next_key, *self.keys[:keep]]
        self.next_key = SigningKey.generate()
        return self.keys[0]

    def published(self) -> list[PublicKey]:
        """Return the keys of organizations. The next key comes first; the one that signs never does."""
        current, *old = [key.public for key in self.keys]
        filled = [self.next_key.public, *old, *shared_standbys(_PUBLISHED)][: max(_PUBLISHED - 1, len(self.keys))]
        return [*filled[:2], current, *filled[2:]]

    def published_for_consumers(self) -> list[PublicKey]:
        """Return the keys of personal accounts, with the signing key in the middle."""
        before, after = shared_standbys(_PUBLISHED + _PUBLISHED_FOR_CONSUMERS)[-2:]
        return [before, self.consumer_key.public, after]

    def sign(
        self, claims: dict[str, Any], *, with_thumbprint: bool, personal: bool = False, hashed_nonce: bool = False
    ) -> str:
        """Return a JWT with these claims.

        :param personal: signed by the key of personal accounts.
        :param hashed_nonce: for an API whose tokens nobody else can validate.
        """
        key = self.consumer_key if personal else self.keys[0]
        header = key.header(with_thumbprint=with_thumbprint, nonce=opaque(32) if hashed_nonce else "")
        self.issued.append(Issued(header, claims))
        return key.sign(header, claims)

    def issue_opaque(self, claims: dict[str, Any]) -> str:
        """Return a token that only the emulator can read, as personal accounts get for Microsoft's APIs."""
        token = f"EwB{base64.b64encode(secrets.token_bytes(_SEALED_SIZE)).decode()}"
        while len(self._sealed) >= _SEALED_REMEMBERED:
            del self._sealed[next(iter(self._sealed))]
        self._sealed[token] = claims
        self.issued.append(Issued({}, claims))
        return token

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that this emulator signed or sealed. Does not check time, issuer or audience.

        :raises BadSignature: the token is any other one.
        """
        if token in self._sealed:
            return dict(self._sealed[token])
        header = unverified_header(token)
        if header is None:
            raise BadSignature
        if isinstance(header.get("nonce"), str):
            _, _, rest = token.partition(".")
            token = f"{segment(header_as_signed(header))}.{rest}"
        accepted = KeySet([entry.key for entry in [*self.keys, *self._consumers()]])
        try:
            return dict(jwt.decode(token, accepted, registry=OWN).claims)
        except (JoseError, ValueError, TypeError) as problem:
            raise BadSignature from problem

    def _consumers(self) -> list[SigningKey]:
        """Return the key of personal accounts, if it has signed anything."""
        return [self.consumer_key] if "consumer_key" in vars(self) else []

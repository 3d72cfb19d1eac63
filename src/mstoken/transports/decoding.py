"""Compressed bodies, within the size limit. API calls accept compression; a server may also use it unasked."""

from __future__ import annotations

from mstoken.transports.failures import cut_off, not_http, too_large
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mstoken.transports.failures import Peer

_GZIP, _ZLIB = 31, 15
"""zlib's window bits for the formats of RFC 1952 and RFC 1950."""
_WINDOW_BITS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}
_CONTENT = 1024 * 1024
"""Bytes of a large body that are decoded at once, at most."""


def decoded(body: bytes, headers: dict[str, str], limit: int, peer: Peer) -> bytes:
    """Return the body without its gzip or deflate coding, and remove the coding from `headers` (RFC 9110 section 8.4).

    An unknown coding stays in body and headers. Raises UnreadableAnswer beyond `limit` bytes, TransportError for a body
    that does not match its header.
    """
    bits = _WINDOW_BITS.get(headers.get("content-encoding", "").lower())
    if bits is None or not body:
        return body
    import zlib

    unpacking = zlib.decompressobj(bits)
    try:
        content = unpacking.decompress(body, limit + 1)
    except zlib.error:
        raise not_http(peer) from None
    if len(content) > limit:
        raise too_large(peer, limit)
    if not unpacking.eof:
        raise cut_off(peer)
    _mark_decoded(headers)
    return content


class Decoder:
    """Decodes a body of any size in pieces, and removes the coding from `headers`. An unknown coding stays."""

    def __init__(self, headers: dict[str, str], peer: Peer) -> None:
        self._peer, self._unpacking, self._began = peer, None, False
        bits = _WINDOW_BITS.get(headers.get("content-encoding", "").lower())
        if bits is not None:
            import zlib

            self._unpacking = zlib.decompressobj(bits)
            _mark_decoded(headers)

    def contents(self, piece: bytes) -> Iterator[bytes]:
        """Yield what the next piece of the body contains, little at a time. Raises TransportError."""
        if self._unpacking is None:
            yield piece
            return
        import zlib

        self._began = True
        while True:
            try:
                content = self._unpacking.decompress(piece, _CONTENT)
            except zlib.error:
                raise not_http(self._peer) from None
            if not content:
                break
            yield content
            piece = self._unpacking.unconsumed_tail

    def end(self) -> None:
        """Raise TransportError if the body was truncated."""
        if self._unpacking is not None and self._began and not self._unpacking.eof:
            raise cut_off(self._peer)


def _mark_decoded(headers: dict[str, str]) -> None:
    del headers["content-encoding"]
    headers.pop("content-length", None)

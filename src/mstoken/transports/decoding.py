"""Compressed bodies, within the size limit. API calls accept compression; a server may also use it unasked."""

from __future__ import annotations

from mstoken.transports.failures import cut_off, not_http, too_large
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.transports.failures import Peer

_GZIP, _ZLIB = 31, 15
"""zlib's window bits for the formats of RFC 1952 and RFC 1950."""
_WINDOW_BITS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}


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
    del headers["content-encoding"]
    headers.pop("content-length", None)
    return content

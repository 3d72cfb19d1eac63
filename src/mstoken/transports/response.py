"""Read one response from a connection. `http.client` parses HTTP/1.1.

This module refuses what `http.client` tolerates: an unreadable header, an ambiguous length (RFC 9112 section 6.3), a
truncated response. It is imported after the first request was sent, because importing the e-mail parser of
`http.client` takes longer than many a response.
"""

from __future__ import annotations

from http.client import HTTPException, HTTPResponse

from mstoken.protocol import http
from mstoken.transports.failures import cut_off, not_http, too_large
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message

    from mstoken.protocol.http import BodyReceiver
    from mstoken.transports.failures import Peer
    from mstoken.transports.wire import Wire

_PIECE = 1024 * 1024
"""Bytes of a body that are read at once."""
_PASSED = 64 * 1024
"""Bytes that a receiver gets at once, at most."""


def read_response(
    wire: Wire, method: str, limit: int, peer: Peer, receiver: BodyReceiver | None = None
) -> tuple[http.HttpResponse, bool]:
    """Return the response to a request by `method`, and whether the connection may serve another one.

    A body of more than `limit` bytes is refused, unless the `receiver` accepts it. Raises ConnectionError if the server
    closed the connection before a byte arrived, UnreadableAnswer and TransportError.
    """
    try:
        return _received(wire, method, limit, peer, receiver)
    except ConnectionError:
        raise
    except (HTTPException, ValueError):
        raise (cut_off if wire.ended else not_http)(peer) from None


def _received(
    wire: Wire, method: str, limit: int, peer: Peer, receiver: BodyReceiver | None
) -> tuple[http.HttpResponse, bool]:
    response, headers = _head(wire, method, peer)
    if receiver is not None and receiver.accepts(response.status, headers):
        _pass_on(response, headers, wire, receiver, peer)
        return http.HttpResponse(response.status, headers, b""), not response.will_close
    body = _body(response, wire, limit, peer)
    if "content-encoding" in headers and response.status != 206:  # a part cannot be decoded alone
        from mstoken.transports.decoding import decoded

        body = decoded(body, headers, limit, peer)
    return http.HttpResponse(response.status, headers, body), not response.will_close


def read_head(wire: Wire, method: str, peer: Peer) -> tuple[HTTPResponse, dict[str, str]]:
    """Return the response with its body unread, and its headers. Raises as `read_response` does."""
    try:
        return _head(wire, method, peer)
    except ConnectionError:
        raise
    except (HTTPException, ValueError):
        raise (cut_off if wire.ended else not_http)(peer) from None


def _head(wire: Wire, method: str, peer: Peer) -> tuple[HTTPResponse, dict[str, str]]:
    response = _begun(wire, method)
    while 100 <= response.status < 200 and response.status != 101:  # interim (RFC 9110 section 15.2)
        _checked_headers(response, wire, peer)
        response.read()
        response = _begun(wire, method)
    return response, _checked_headers(response, wire, peer)


def _begun(wire: Wire, method: str) -> HTTPResponse:
    """A response whose status and headers have been read."""
    response = HTTPResponse(wire, method=method)  # type: ignore[arg-type] # of a socket, it uses `makefile` alone
    response.begin()
    return response


def _checked_headers(response: HTTPResponse, wire: Wire, peer: Peer) -> dict[str, str]:
    """Return the headers. Refuses what `http.client` overlooks, and a truncated head."""
    if wire.ended:
        raise cut_off(peer)
    head = response.headers
    if response.status == 101 or _malformed(head) or head.get_payload():
        raise not_http(peer)
    headers = _mapping(head)
    coding, lengths = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None and coding.lower() != "chunked":
        raise not_http(peer)
    if lengths is not None:
        distinct = {value.strip(" \t") for value in lengths.split(",")}
        digits = distinct.pop()
        if distinct or not (digits.isascii() and digits.isdecimal()):
            raise not_http(peer)
        if response.length != 0 and not response.chunked:
            response.length = int(digits[:18])
        if coding is not None:
            response.will_close = True  # RFC 9112 section 6.3: both at once may be an attack
    return headers


def _body(response: HTTPResponse, wire: Wire, limit: int, peer: Peer) -> bytes:
    if response.length is not None and response.length > limit:
        raise too_large(peer, limit)
    pieces, size = [], 0
    while piece := response.read(min(_PIECE, limit + 1 - size)):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise too_large(peer, limit)
    _check_end(response, wire, peer)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _pass_on(response: HTTPResponse, headers: dict[str, str], wire: Wire, receiver: BodyReceiver, peer: Peer) -> None:
    """Pass the body to the receiver as it comes. A part of a file (206) cannot be decoded alone."""
    from mstoken.transports.decoding import Decoder

    wire.unlimit()
    decoder = Decoder({} if response.status == 206 else headers, peer)
    while piece := response.read(_PASSED):
        for content in decoder.contents(piece):
            receiver.write(content)
    _check_end(response, wire, peer)
    decoder.end()


def _check_end(response: HTTPResponse, wire: Wire, peer: Peer) -> None:
    """Raise TransportError for a truncated body."""
    if response.length or (response.chunked and wire.ended):
        raise cut_off(peer)


def _malformed(head: Message) -> bool:
    """Return whether a line is not a header. The parts in the body of a `multipart` response are no reason."""
    return any("Header" in type(defect).__name__ for defect in head.defects) if head.defects else False


def _mapping(head: Message) -> dict[str, str]:
    """Return the headers with lower-case names, repeated ones joined (RFC 9110 section 5.3), folded lines unfolded (RFC
    9112 section 5.2).
    """
    headers: dict[str, str] = {}
    for name, value in head.raw_items():
        text, lower = value.strip(" \t"), name.lower()
        if "\n" in text or "\r" in text:
            text = " ".join(part.strip(" \t") for part in text.replace("\r", "\n").split("\n") if part)
        headers[lower] = f"{headers[lower]}, {text}" if lower in headers else text
    return headers

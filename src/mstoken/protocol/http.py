"""HTTP as values: the request to send and the response that came back."""

from __future__ import annotations

import re

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING, Protocol
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_RESPONSE_BYTES = 1024 * 1024
"""Maximum size of a token endpoint's body, in bytes."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Statuses whose Location is where the resource is now (RFC 9110 section 15.4); 300 and 304 are not among them."""
_HEADER_VALUE = r"[\t\x20-\x7e\x80-\xff]*"


@value
class ConnectionPolicy:
    """How to connect to a server that needs other rules than the default. A transport must apply every field.

    `direct`: never through a proxy. `thumbprint`: the server is the one whose certificate has this SHA-1 (40 lower-case
    hexadecimal digits); its name and issuer are not checked. `ca_pem`: only these certificate authorities are trusted.
    `server_name`: the name for TLS (SNI and the certificate) if it differs from the host of the URL.
    """

    direct: bool = False
    thumbprint: str = ""
    ca_pem: str = field(default="", repr=False)
    server_name: str = ""

    @property
    def pins_server(self) -> bool:
        """Return whether the server is verified by other rules than the system's trust store."""
        return bool(self.thumbprint or self.ca_pem or self.server_name)


DEFAULT_POLICY = ConnectionPolicy()
DIRECT_POLICY = ConnectionPolicy(direct=True)
"""For servers on this machine or beside it, such as the managed identity endpoints."""


class BodyReceiver(Protocol):
    """Takes the body of a response in pieces, so that memory does not hold it. A transport's thread calls it.

    `started`: it accepted a response.
    """

    started: bool

    def accepts(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether `write` takes this response's body; else the response contains it, as without a receiver.

        The headers are those of `HttpResponse`. May raise an MstokenError, which ends the request.
        """
        ...

    def write(self, piece: bytes) -> None:
        """Take the next bytes of the body, decompressed. May raise an MstokenError, which ends the request."""
        ...


@value
class HttpRequest:
    """A request to send. URL (the signature of an upload), headers and body may be secrets and stay out of the repr.

    `timeout_in` limits the whole call in seconds, from name resolution to the last byte of the body; None means the
    transport's default. With `renews_timeout`, it begins anew with each byte that is sent or received, since large
    bodies take as long as they take. `max_response_bytes` limits the body after decompression. `receiver` takes the
    body, without that limit; a transport that knows no receivers returns it in the response. `repeatable` allows a
    second attempt if a reused connection was closed before a byte of the response arrived: true for a token request,
    false for a call that might change something twice (RFC 9110 section 9.2.2). `request_id` is sent as
    `client-request-id`, which Entra's sign-in logs show as the correlation ID. `hides_path` keeps the path out of the
    log: whoever has such a URL needs no token.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, secret=True)
    body: bytes = field(default=b"", secret=True)
    max_response_bytes: int = MAX_RESPONSE_BYTES
    policy: ConnectionPolicy = DEFAULT_POLICY
    timeout_in: float | None = None
    repeatable: bool = True
    request_id: str = ""
    renews_timeout: bool = False
    receiver: BodyReceiver | None = field(default=None, repr=False)
    hides_path: bool = False


@value
class HttpResponse:
    """The response. The body may contain tokens and stays out of the repr.

    `headers` has lower-case names. Values are text, decoded as latin-1 (RFC 9110 section 5.5); lines with the same name
    are joined with ", " (section 5.3).
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def is_header_value(text: str) -> bool:
    """Return whether a header can carry the text (RFC 9110 section 5.5)."""
    return (text.isascii() and text.isprintable()) or re.fullmatch(_HEADER_VALUE, text) is not None


def check_header_text(text: str, name: str) -> None:
    """Raise UsageError, which names the variable or setting `name`, for text that no header can carry."""
    if not is_header_value(text):
        ending = " It ends with a line break." if text.endswith(("\n", "\r")) else ""
        raise UsageError(
            f"{name} has a character that a header cannot carry.{ending}",
            "Set it to the value alone, without line breaks and other control characters.",
        )

"""HTTP as values: what to send, what came back."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ANSWER = 1024 * 1024
"""No answer of a token endpoint is larger, in bytes; what is, is not one."""


@value
class Way:
    """How to reach a server that is not reached like the rest of the world. A transport has to keep to all of it.

    `direct`: through no proxy, whatever the environment says. `thumbprint`: the server is whoever shows the certificate
    with this SHA-1 (40 lower-case hexadecimal digits) and nobody else; its name and issuer do not count. `ca_pem`: no
    other certificate authorities are trusted. `server_name`: the name for TLS where it is not the URL's host.
    """

    direct: bool = False
    thumbprint: str = ""
    ca_pem: str = field(default="", repr=False)
    server_name: str = ""

    @property
    def own_trust(self) -> bool:
        """Whether the server is trusted by other rules than the system's."""
        return bool(self.thumbprint or self.ca_pem or self.server_name)


USUAL_WAY = Way()


@value
class HttpRequest:
    """A request to send. Body and headers may carry secrets and stay out of the repr.

    `answer_in` is how long it may take from connecting to the end of the answer, in seconds; None is the transport's
    usual limit.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    max_answer: int = MAX_ANSWER
    way: Way = USUAL_WAY
    answer_in: float | None = None


@value
class HttpResponse:
    """What came back. Header names are found in lower case; the body may carry tokens and stays out of the repr."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

"""The ports of the flows: HTTP with clock and randomness, access tokens with single flight, and refresh tokens."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING, Any, Literal, Protocol, TypeVar
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from contextlib import AbstractAsyncContextManager

    from mstoken.credentials import Browser
    from mstoken.model import Note, StoredRefreshToken, Token, TokenInfo, TokenRequest
    from mstoken.protocol.http import HttpRequest, HttpResponse

T = TypeVar("T")


@value
class WaitResult:
    """The outcome of a caller's wait in `single_flight`.

    `failure` is the error of the previous caller; an immediate second request would fail in the same way.
    `timed_out` means that another caller is still fetching and that this caller's time to wait is over.
    """

    failure: Exception | None = None
    timed_out: bool = False


SignInOutcome = Literal["signed-in", "declined", "failed", "unexpected"]
"""The outcome of a sign-in, as the page in the browser shows it."""


class BrowserSession(Protocol):
    """A sign-in in the browser, from opening the page to the redirect back to this machine."""

    redirect_uri: str

    @property
    def reads_pasted_urls(self) -> bool:
        """Whether the user may paste the redirect's URL, and so needs the response in it; known after `open`."""
        ...

    async def open(self, url: str) -> bool:
        """Open `url` in the system's browser; return False if no browser could be opened."""
        ...

    async def wait_for_redirect(self, timeout_in: float) -> Mapping[str, str] | None:
        """Return the parameters of the next redirect, each once; None after `timeout_in` seconds without one."""
        ...

    async def show(self, outcome: SignInOutcome) -> None:
        """Answer the last redirect with the page for `outcome`."""
        ...


class TokenSource(Protocol):
    """Anything that returns a token for a request: a cache in front of the flows, a chain, tokens bound to a key."""

    def token(self, request: TokenRequest) -> Coroutine[Any, Any, Token]:
        """Return the token for `request`. Raises the errors of `mstoken.errors`."""
        ...


class HttpPort(Protocol):
    """HTTP, clock, randomness and messages to the user. Times are in seconds; `now` is epoch seconds, UTC."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request and return the response. Raises TransportError if there is none."""
        ...

    async def call(self, work: Callable[[], T | Awaitable[T]], *, blocks: bool = True) -> T:
        """Run `work`, which may return an awaitable: read a file, sign, call a caller's function.

        Under asyncio it runs in a thread, so that it may block, unless `blocks` is False; an awaitable is awaited.
        """
        ...

    async def sleep(self, seconds: float) -> None: ...

    def now(self) -> float: ...

    def random(self) -> float:
        """Return a number in [0, 1), for jitter."""
        ...

    def secret(self) -> str:
        """Return 43 unguessable characters, new ones each time."""
        ...

    def request_id(self) -> str:
        """Return a new random GUID (RFC 9562 section 5.4), the `client-request-id` of a request."""
        ...

    def show_message(self, text: str) -> None:
        """Print a message for the user on standard error."""
        ...

    def browser_session(self, credential: Browser) -> AbstractAsyncContextManager[BrowserSession]:
        """Listen on a loopback redirect URI until the end of the block."""
        ...


class AccessTokenPort(TokenSource, Protocol):
    """Access tokens: the cache that all callers share, and single flight in front of the service.

    A flow that needs another token requests it from `token`, which answers from the cache if it can.
    """

    store_title: str
    """The kind of store, for the log: memory, Redis, …"""

    async def load(self, key: str) -> Token | None: ...

    async def save(self, key: str, token: Token, info: TokenInfo | None = None) -> None: ...

    async def delete(self, key: str) -> None: ...

    async def load_note(self, key: str) -> Note | None: ...

    async def save_note(self, key: str, note: Note) -> None:
        """Share `note` with all callers of the store until it expires."""
        ...

    async def delete_note(self, key: str) -> None: ...

    async def forget_tokens(self, info: TokenInfo | None = None) -> None:
        """Delete every cached access token and note, or the tokens that `info` covers. Refresh tokens stay."""
        ...

    def single_flight(self, key: str, timeout_in: float) -> AbstractAsyncContextManager[WaitResult]:
        """Admit one caller at a time for `key`, among all that share the store. The wait is at most `timeout_in`."""
        ...


class RefreshTokenPort(Protocol):
    """Refresh tokens. A write is durable when it returns; all methods raise StoreError."""

    async def check_writable(self) -> None:
        """Check that the store can save a refresh token now."""
        ...

    async def load_refresh_token(self, key: str) -> StoredRefreshToken | None: ...

    async def replace_refresh_token(self, key: str, old: str, new: str) -> None:
        """Store `new` as the current refresh token if `old` still is."""
        ...

    async def end_refresh_token(self, key: str, value: str, code: int) -> None:
        """Record that the service ended the refresh token, with this AADSTS code, if `value` is still current."""
        ...

    async def put_refresh_token(self, key: str, value: str, info: TokenInfo) -> None:
        """Store the refresh token of a new sign-in, replacing any other."""
        ...


class Port(HttpPort, AccessTokenPort, RefreshTokenPort, Protocol):
    """All three ports together: everything that a flow may use of the outside world."""

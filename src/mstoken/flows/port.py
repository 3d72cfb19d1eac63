"""What a flow needs of the outside world, and all that it may touch of it."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING, Any, Literal, Protocol, TypeVar
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from contextlib import AbstractAsyncContextManager

    from mstoken.credentials import Browser
    from mstoken.model import StoredRefreshToken, Token, TokenInfo, TokenRequest
    from mstoken.protocol.http import HttpRequest, HttpResponse

T = TypeVar("T")


@value
class WaitResult:
    """A caller's turn at something only one may do at a time.

    `failure` is the error of the one who tried while this caller waited: trying again at once would only repeat it.
    `timed_out`: somebody still has the turn, and this caller's time to wait for it is over.
    """

    failure: Exception | None = None
    timed_out: bool = False


SignInOutcome = Literal["signed-in", "declined", "failed", "unexpected"]
"""The outcome of a sign-in, as the page in the browser shows it."""


class BrowserSession(Protocol):
    """A sign-in in the browser, from opening the page to the redirect back to this machine."""

    redirect_uri: str

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
    """Whatever answers a token request: a cache in front of the flows, a chain, tokens bound to a key."""

    def token(self, request: TokenRequest) -> Coroutine[Any, Any, Token]:
        """The token for `request`. Raises the errors of `mstoken.errors`."""
        ...


class Port(TokenSource, Protocol):
    """The outside world of a flow. Times are seconds; `now` is epoch seconds, UTC; `random` is in [0, 1).

    A flow that needs another token requests it from `token`, which answers from the cache where it can.
    """

    async def send(self, request: HttpRequest) -> HttpResponse: ...

    async def call(self, work: Callable[[], T | Awaitable[T]]) -> T:
        """What `work` gives: a file's content, a signature, a caller's function. It may block, or be awaitable."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def now(self) -> float: ...

    def random(self) -> float: ...

    def secret(self) -> str:
        """43 characters that nobody can guess, new ones each time."""
        ...

    def show_message(self, text: str) -> None:
        """Print a message for the user on standard error."""
        ...

    def browser_session(self, credential: Browser) -> AbstractAsyncContextManager[BrowserSession]:
        """Listen on a loopback redirect URI until the end of the block."""
        ...

    async def load(self, key: str) -> Token | None: ...

    async def save(self, key: str, token: Token, info: TokenInfo | None = None) -> None: ...

    async def delete(self, key: str) -> None: ...

    async def forget_tokens(self, info: TokenInfo | None = None) -> None:
        """Forget every access token that is kept, or those that `info` covers; refresh tokens stay."""
        ...

    def single_flight(self, key: str, timeout_in: float) -> AbstractAsyncContextManager[WaitResult]:
        """One caller at a time for `key`, among all that share the store; the others wait so many seconds at most."""
        ...

    async def check_writable(self) -> None:
        """See that a refresh token could be kept now. Raises StoreError."""
        ...

    async def load_refresh_token(self, key: str) -> StoredRefreshToken | None: ...

    async def replace_refresh_token(self, key: str, old: str, new: str) -> None:
        """Keep `new` as the current refresh token if `old` still is; durable when this returns."""
        ...

    async def end_refresh_token(self, key: str, value: str, code: int) -> None:
        """Remember that the service ended the grant for good, with this AADSTS code, if `value` is still current."""
        ...

    async def put_refresh_token(self, key: str, value: str, info: TokenInfo) -> None:
        """Keep the refresh token of a new sign-in, whatever is there; durable when this returns."""
        ...

"""Calls of foreign code: your functions and objects, keyrings, PKCS#11 modules, other libraries.

Foreign code may raise anything. A `ForeignCode` turns each Exception into an error of `mstoken.errors` that says what
failed and what to do next; the original is its `__cause__`. Our own errors pass through, and so does what is not an
Exception: KeyboardInterrupt, SystemExit, GeneratorExit and asyncio.CancelledError.
"""

from __future__ import annotations

from mstoken.errors import MstokenError, TransportError, UsageError
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from types import TracebackType

    from mstoken.errors import StoreError

    ErrorClass = type[UsageError | StoreError | TransportError]

T = TypeVar("T")

_LONGEST_TEXT = 200
_PLAIN = "Give one whose functions are plain, not `async def`."
_OWN = "mstoken."


class ForeignCode:
    """A context manager around a call of foreign code; it has no state, so threads and tasks may share it.

    `what` is the subject of the message, such as "The function for the assertion". With `quoted`, the message includes
    the text of the original error: only for code that sees no secret. With `plain`, an async function is refused.
    """

    __slots__ = ("_error", "_plain", "_quoted", "_remedy", "what")

    def __init__(
        self,
        what: str,
        remedy: str | Callable[[str], str],
        error: ErrorClass = UsageError,
        *,
        quoted: bool = False,
        plain: bool = False,
    ) -> None:
        self.what, self._remedy, self._error, self._quoted, self._plain = what, remedy, error, quoted, plain

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, MstokenError):
            raise self.error_for(error) from error

    def error_for(self, error: Exception) -> MstokenError:
        """Our error in place of one of foreign code."""
        name = class_name_of(error)
        text = f": {text_of(error)}" if self._quoted and text_of(error) else ""
        remedy = self._remedy if isinstance(self._remedy, str) else self._remedy(name)
        return self._error(f"{self.what} failed with {name}{text}.", remedy)

    def calling(self, call: Callable[..., T]) -> Callable[..., T]:
        """`call` with this context around it, and around what it returns if that is awaitable or a function.

        A thread of asyncio has to use this: StopIteration must not leave it.
        """

        def guarded(*args: Any, **options: Any) -> T:
            with self:
                return self._guarded(call(*args, **options))  # type: ignore[no-any-return]

        return guarded

    def _guarded(self, result: Any) -> Any:
        if hasattr(result, "__await__"):
            return refuse_awaitable(result, self.what, _PLAIN) if self._plain else _Awaitable(result, self)
        return self.calling(result) if callable(result) else result


TRANSPORT = ForeignCode(
    "The transport given to the client", "Correct the transport; the cause is its own error.", TransportError
)


class _Awaitable:
    """An awaitable of foreign code."""

    __slots__ = ("_guard", "_inner")

    def __init__(self, inner: Awaitable[Any], guard: ForeignCode) -> None:
        self._inner, self._guard = inner, guard

    def __await__(self) -> Generator[Any, Any, Any]:
        with self._guard:
            result = yield from self._inner.__await__()
        return result

    @property
    def what(self) -> str:
        """What returned it, as the subject of a message."""
        return self._guard.what

    def close(self) -> None:
        """Close a coroutine that nobody will await."""
        if hasattr(self._inner, "close"):
            self._inner.close()


def refuse_awaitable(given: T | Awaitable[T], what: str, remedy: str) -> T:
    """`given` itself. Raises UsageError if it is awaitable and the caller cannot await it: its work would not be done.

    `what` is the subject of the message, unless a `ForeignCode` called the function and knows better.
    """
    if not hasattr(given, "__await__"):
        return given
    if hasattr(given, "close"):
        given.close()  # avoids the warning about a coroutine that was never awaited
    raise UsageError(f"{given.what if isinstance(given, _Awaitable) else what} is async.", remedy)


class _Guarded:
    """A foreign object, such as a store, with a `ForeignCode` around each of its methods."""

    __slots__ = ("_guard", "_inner")

    def __init__(self, inner: object, guard: ForeignCode) -> None:
        self._inner, self._guard = inner, guard

    def __getattr__(self, name: str) -> Any:
        with self._guard:
            found = getattr(self._inner, name)
            return self._guard.calling(found) if callable(found) else found

    def __repr__(self) -> str:
        return f"<{type(self._inner).__name__}>"


def guarded(value: T, guard: ForeignCode) -> T:
    """`value` itself if its class is ours, else the same object with `guard` around its methods.

    An unexpected exception of mstoken's own classes is a bug, and has to look like one.
    """
    own = value is None or type(value).__module__.startswith(_OWN)
    return value if own else _Guarded(value, guard)  # type: ignore[return-value]


def class_name_of(error: BaseException) -> str:
    """The class of an error as people know it: `ValueError`, `redis.exceptions.RedisError`."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def text_of(error: BaseException) -> str:
    """What an error says, in one short line; '' if it cannot say it."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - `__str__` of foreign classes
        return ""
    return text[:_LONGEST_TEXT].rstrip(".")


def without_frames(error: Exception) -> Exception:
    """The error and those that led to it without their frames, whose local variables hold a secret."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            current.__traceback__ = None
            pending += [current.__cause__, current.__context__]
    return error

"""What the library has to say when nothing failed: to logging, or to whoever listens in its place."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_listeners: list[Callable[[str], None]] = []


def listen(listener: Callable[[str], None]) -> None:
    """From now on `listener` is told, and not logging: the command line says notes on standard error."""
    _listeners[:] = [listener]


def warn(text: str) -> None:
    """Say a sentence that a person should read; it holds no secret. The logger's name is `mstoken`."""
    if _listeners:
        _listeners[0](text)
        return
    import logging  # half a start of Python, for what is seldom said

    logging.getLogger("mstoken").warning("%s", text)

"""Wait for one socket, with poll(2) if the system has it: select(2) supports no descriptor above 1,023."""

from __future__ import annotations

import select

from mstoken.typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:

    class Wait(Protocol):
        """Wait until the socket has data (or, with `writing`, accepts data). Raises TimeoutError."""

        def __call__(self, seconds: float, *, writing: bool = False) -> None: ...


def waiter(number: int) -> Wait:
    """Return the function that waits for the descriptor `number`."""
    if not hasattr(select, "poll"):
        return _by_select(number)
    reading, writing_too = select.poll(), select.poll()
    reading.register(number, select.POLLIN)
    writing_too.register(number, select.POLLOUT)

    def wait(seconds: float, *, writing: bool = False) -> None:
        if not (writing_too if writing else reading).poll(seconds * 1000):
            raise TimeoutError("timed out")

    return wait


def _by_select(number: int) -> Wait:
    def wait(seconds: float, *, writing: bool = False) -> None:
        readers, writers = ([], [number]) if writing else ([number], [])
        if not any(select.select(readers, writers, [], seconds)):
            raise TimeoutError("timed out")

    return wait


def ended_attempts(numbers: list[int], seconds: float) -> list[int]:
    """Return the sockets whose connection attempt has ended, successfully or not, within this many seconds."""
    if not hasattr(select, "poll"):  # Windows, where a failed attempt counts as exceptional
        _, writable, failed = select.select([], numbers, numbers, seconds)
        return list({*writable, *failed})
    poll = select.poll()
    for number in numbers:
        poll.register(number, select.POLLOUT)
    return [number for number, _ in poll.poll(seconds * 1000)]

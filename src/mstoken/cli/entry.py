"""Where the program starts. Nothing is imported before it is needed: start-up is most of a short command's time."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main() -> int:
    """The `mstoken` command; its exit code."""
    command = _command(sys.argv[1:])
    from mstoken.cli import failures

    return failures.run(command)


def _command(arguments: Sequence[str]) -> Callable[[], int]:
    """What is to be done; does not return where a kept token answers."""
    if arguments[:1] == ["get"]:
        from mstoken.cli import get_arguments

        given = get_arguments.read(arguments[1:])
        if given is not None:
            from mstoken.cli import quick

            try:
                mark = quick.fingerprint(arguments)
                text = quick.kept_text(given, mark)
            except OSError:  # a working folder that is gone, say; the ordinary way tells
                mark = text = ""
            if text:
                quick.write_and_leave(text)
            return lambda: _get(given, mark)
    return lambda: _any(arguments)


def _get(given: dict[str, object], mark: str) -> int:
    from mstoken.cli.getting import run_get

    run_get(given, mark)
    from mstoken.cli.quick import leave

    leave(0)


def _any(arguments: Sequence[str]) -> int:
    from mstoken.cli.app import main as run

    return run(arguments)

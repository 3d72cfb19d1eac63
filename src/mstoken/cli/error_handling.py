"""The end of a command that failed: what is said on standard error, and the exit code."""

from __future__ import annotations

import os
import sys

from mstoken.cli import exit_codes, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def run(command: Callable[[], int]) -> int:
    """Run `command` and turn whatever it raises into words and an exit code. SystemExit passes."""
    try:
        return command()
    except KeyboardInterrupt:
        output.stderr_line("")  # ends the line on which the terminal shows ^C
        output.error("Interrupted.")
        return exit_codes.INTERRUPTED
    except BrokenPipeError:  # whoever read standard output has what it wanted: `mstoken services | head`
        _discard_output()
        return exit_codes.DONE
    except Exception as error:  # noqa: BLE001 - this is the last place before the person
        if isinstance(error, OSError):
            _discard_output()
        return report(error)


def _discard_output() -> None:
    """Python writes out what is left at exit and would fail once more: docs.python.org/3/library/signal.html,
    note on SIGPIPE. Where standard output was closed there is nothing to abandon.
    """
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def interrupt_at_once() -> None:
    """From now on ^C ends the process as the system does, with status 130 to a shell.

    Python's own handler waits for the HTTP client, which is not Python, to return: half a minute in the worst case.
    Nothing needs a clean end then: what is kept on disk is written by rename and by transaction.
    """
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def report(error: Exception) -> int:
    """Say what happened and what to do next; the exit code for it."""
    from mstoken.errors import MstokenError

    if isinstance(error, MstokenError):
        output.error(error.message, error.remedy, error.service_message)
        _print_traceback(error)
        return exit_codes.exit_code_of(error)
    if isinstance(error, OSError) and error.errno is not None:
        output.error(f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror))
        _print_traceback(error)
        return exit_codes.UNEXPECTED
    output.error(
        f"This is a bug in mstoken: {type(error).__name__} in {_source_line(error)}.",
        "" if debugging() else "Run it again with MSTOKEN_DEBUG=1 and report what it prints.",
    )
    _print_traceback(error)
    return exit_codes.UNEXPECTED


def debugging() -> bool:
    """Whether tracebacks are wanted: MSTOKEN_DEBUG is set, which --debug does."""
    return os.environ.get("MSTOKEN_DEBUG", "") not in {"", "0"}


def _source_line(error: Exception) -> str:
    """Where it was raised, as file and line."""
    trace = error.__traceback__
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119 - no pathlib here


def _print_traceback(error: Exception) -> None:
    """The way to the error, without its values: messages of foreign exceptions may quote what they were given."""
    if not debugging():
        return
    import traceback

    for line in traceback.format_tb(error.__traceback__):
        sys.stderr.write(line)
    seen: BaseException | None = error
    while seen is not None:
        sys.stderr.write(f"{type(seen).__module__}.{type(seen).__qualname__}\n")
        seen = seen.__cause__ or seen.__context__

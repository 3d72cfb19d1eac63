"""The end of a command that failed: the message on standard error, and the exit code."""

from __future__ import annotations

import os
import sys

from mstoken.cli import exit_codes, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def run(command: Callable[[], int]) -> int:
    """Run `command`, and turn an exception into a message and an exit code. SystemExit passes through."""
    try:
        return command()
    except KeyboardInterrupt:
        output.stderr_line("")  # ends the line on which the terminal shows ^C
        output.error("Interrupted.")
        return exit_codes.INTERRUPTED
    except BrokenPipeError:  # the reader of standard output has finished: `mstoken services | head`
        _discard_output()
        return exit_codes.DONE
    except Exception as error:  # noqa: BLE001 - this is the last place before the person
        if isinstance(error, OSError):
            _discard_output()
        return report(error)


def _discard_output() -> None:
    """Discard output that is not written yet. Python writes it at exit and would fail once more
    (docs.python.org/3/library/signal.html, note on SIGPIPE).
    """
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def interrupt_at_once() -> None:
    """Let ^C end the process from now on as the system does, which shells report as status 130.

    Python's own handler runs only when the current call returns, which may take half a minute. Nothing needs a clean
    exit then: files are written by rename, and the vault by transaction.
    """
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def report(error: Exception) -> int:
    """Print what happened and what to do next, and return the exit code."""
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
        "" if debugging() else "Run the command again with MSTOKEN_DEBUG=1 and report the output.",
    )
    _print_traceback(error)
    return exit_codes.UNEXPECTED


def debugging() -> bool:
    """Return whether tracebacks are shown: MSTOKEN_DEBUG is set, which --debug does."""
    return os.environ.get("MSTOKEN_DEBUG", "") not in {"", "0"}


def _source_line(error: Exception) -> str:
    """Return the file and line that raised the error."""
    trace = error.__traceback__
    if trace is None:
        return "an unknown file"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119 - no pathlib here


def _print_traceback(error: Exception) -> None:
    """Print the traceback without values: messages of other libraries' exceptions may quote their input."""
    if not debugging():
        return
    import traceback

    for line in traceback.format_tb(error.__traceback__):
        sys.stderr.write(line)
    seen: BaseException | None = error
    while seen is not None:
        sys.stderr.write(f"{type(seen).__module__}.{type(seen).__qualname__}\n")
        seen = seen.__cause__ or seen.__context__

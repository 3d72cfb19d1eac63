"""The end of a command that failed: the message on standard error, and the exit code."""

from __future__ import annotations

import os
import sys

from mstoken.cli import exit_codes, output
from mstoken.cli.options import debugging
from mstoken.messages import advise_the_shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def run(command: Callable[[], int], arguments: Sequence[str] = ()) -> int:
    """Run `command`, and turn an exception into a message and an exit code. SystemExit passes through.

    With `-o json` among the `arguments`, an error is one JSON object.
    """
    if _wants_json(arguments):
        output.print_errors_as_json()
    output.escape_unencodable()
    advise_the_shell()
    if debugging():
        show_steps()
    try:
        _check_shell_variable()
        return command()
    except KeyboardInterrupt:
        output.stderr_line("")  # ends the line on which the terminal shows ^C
        output.error("Interrupted.", kind="interrupted", exit_code=exit_codes.INTERRUPTED)
        return exit_codes.INTERRUPTED
    except BrokenPipeError:  # the reader of standard output has finished: `mstoken services | head`
        _discard_output()
        return exit_codes.DONE
    except Exception as error:  # noqa: BLE001 - this is the last place before the person
        if isinstance(error, OSError):
            _discard_output()
        return report(error)
    finally:
        output.print_held_messages()


def _check_shell_variable() -> None:
    """Raise UsageError if the variable that names your shell names none that mstoken knows."""
    named = os.environ.get("MSTOKEN_SHELL", "").strip()
    if not named:
        return
    from mstoken.errors import UsageError
    from mstoken.redaction import shown
    from mstoken.shells import SHELLS, VARIABLE

    if named.lower() not in SHELLS:
        raise UsageError(f"{VARIABLE} names no shell that is known: {shown(named)!r}.", f"Use {', '.join(SHELLS)}.")


def _wants_json(arguments: Sequence[str]) -> bool:
    """Return whether the command line has `-o json`, without click: an error in the command line is reported so too."""
    own = list(arguments)
    if "--" in own:
        own = own[: own.index("--")]
    words = f" {' '.join(own)} "
    return any(f" {spelling} " in words for spelling in ("-o json", "-ojson", "--output json", "--output=json"))


def show_steps() -> None:
    """Print each step of the library on standard error from now on, and the tracebacks of bugs."""
    from mstoken import steps

    os.environ["MSTOKEN_DEBUG"] = "1"
    steps.print_with(output.debug)


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
        code = exit_codes.exit_code_of(error)
        output.failure(error, code)
        return code
    message, remedy, kind = _unexpected(error)
    output.error(message, remedy, kind=kind, exit_code=exit_codes.UNEXPECTED)
    if kind == "bug":
        _print_traceback(error)
    return exit_codes.UNEXPECTED


def record_of(error: Exception) -> dict[str, object]:
    """Return what `report` prints as one JSON object."""
    from mstoken.errors import MstokenError

    if isinstance(error, MstokenError):
        return output.failure_record(error, exit_codes.exit_code_of(error))
    message, remedy, kind = _unexpected(error)
    return output.error_record(message, remedy, kind=kind, exit_code=exit_codes.UNEXPECTED)


def _unexpected(error: Exception) -> tuple[str, str, str]:
    """Return message, remedy and kind of an error that the library does not raise itself."""
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror), "", "os_error"
    remedy = "" if debugging() else "Run the command again with --debug and report the output."
    return f"This is a bug in mstoken: {type(error).__name__} in {_source_line(error)}.", remedy, "bug"


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
    current: BaseException | None = error
    while current is not None:
        sys.stderr.write(f"{type(current).__module__}.{type(current).__qualname__}\n")
        current = current.__cause__ or current.__context__

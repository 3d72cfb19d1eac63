"""The program's entry point. Imports come as late as possible: start-up takes most of a short command's time."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mstoken.cli.options import GetArguments


def main() -> int:
    """Run the `mstoken` command and return its exit code."""
    arguments = sys.argv[1:]
    command = _command(arguments)
    from mstoken.cli import error_handling

    return error_handling.run(command, arguments)


def _command(arguments: Sequence[str]) -> Callable[[], int]:
    """Return what the command line asks for; print a cached token and exit if the fast path has one."""
    if arguments[:1] == ["get"]:
        from mstoken.cli import get_arguments
        from mstoken.cli.options import debugging

        parsed = get_arguments.parse(arguments[1:])
        if parsed is not None and (parsed.debug or debugging()):  # the fast path logs no steps
            debugged = parsed
            return lambda: _get(debugged, "")
        if parsed is not None:
            from mstoken.cli import fast_path

            try:
                fingerprint = fast_path.fingerprint(arguments)
                text = fast_path.cached_output(parsed, fingerprint)
            except OSError:  # for example, a working folder that was removed; click reports it
                fingerprint = text = ""
            if text:
                fast_path.write_and_exit(text)
            return lambda: _get(parsed, fingerprint)
    if arguments == ["session"]:
        from mstoken.cli.session_server import serve

        return serve
    return lambda: _run_click(arguments)


def _get(arguments: GetArguments, fingerprint: str) -> int:
    import gc

    gc.disable()  # garbage collection while modules load costs more than the little memory that it would free
    from mstoken.cli.get_token import run_get

    if arguments.debug:
        from mstoken.cli.error_handling import show_steps

        show_steps()
    run_get(arguments, fingerprint)
    from mstoken.cli import output
    from mstoken.cli.fast_path import exit_now

    output.print_held_messages()
    exit_now(0)


def _run_click(arguments: Sequence[str]) -> int:
    from mstoken.cli.app import main as run

    return run(arguments)

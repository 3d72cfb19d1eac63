"""Run the emulator from a shell: on its own until Ctrl-C, or for the duration of one command.

Exit codes of `run` are those of shells and of env(1): the command's own, 128+n if signal n ended it, 127 if it is not
found, 126 if it cannot be executed, 125 if the emulator itself could not start. Nothing is written to stdout.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from mstoken import child_process

from .environment import for_command, is_real_configuration, setting_names
from .running import NotFound, find
from .shells import KINDS, render, render_undo

if TYPE_CHECKING:
    from .config import Config
    from .emulator import Emulator

_TITLES = {"bash": "a POSIX shell", "fish": "fish", "powershell": "PowerShell"}
OWN_FAILURE = 125
_KEY = "ENTRA_EMULATOR_ADMIN_KEY"


def serve(argv: list[str]) -> int:
    """Run the emulator in the foreground, its settings on stderr for a shell. Ctrl-C ends it.

    The arguments are `[--config FILE] [--port N] [--shell SHELL] [--until-stdin-closes]`; SHELL is bash, fish or
    powershell. With the last one, the emulator does not outlive the program that started it.
    """
    options = _parser().parse_args(argv)
    ended = threading.Event()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_on_signals(("SIGINT", "SIGTERM", "SIGHUP"), lambda _: ended.set()))
        entra = _start(options.config, options.port, stack)
        if entra is None:
            return OWN_FAILURE
        _print_line(_settings_text(entra, options.shell or ["bash"]))
        if options.until_stdin_closes:
            threading.Thread(target=_set_at_end_of_input, args=[ended], daemon=True).start()
        while not ended.wait(0.5):  # a bounded wait, because Windows does not interrupt an unbounded one
            pass
    return 0


def _set_at_end_of_input(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def run(command: list[str], config: "Config" = None, port: int = 0) -> int:
    """Run a command with an environment that points it at a fresh emulator; return its exit code (see the module)."""
    with contextlib.ExitStack() as stack:
        entra = _start(config, port, stack)
        if entra is None:
            return OWN_FAILURE
        return _run(command, for_command(entra.environment()))


def env(kind: str = "bash", port: int = 0, *, undo: bool = False) -> int:
    """Print on stdout the settings of an emulator that runs on its own. Return 1 if none runs, or more than one.

    The printed text also unsets variables of this shell that would direct a program to the real services. With `undo`,
    the printed text reverts the settings; no emulator needs to run for that.
    """
    if undo:
        return _undo(kind)
    try:
        running = find(port)
    except NotFound as problem:
        _print_line(str(problem))
        return 1
    others = (name for name in os.environ if is_real_configuration(name))
    _print(render({**dict.fromkeys(others), **running.environment}, kind))
    return 0


def sign_in(url: str, user: str, port: int = 0) -> int:
    """Complete a sign-in that a program began in a browser, as the user. Return 1 if that cannot be.

    The emulator is the one of this process's environment, else one that runs on its own. The response to the program
    is on its way, and has not arrived, when this returns: many programs listen only after they have opened a browser.
    """
    try:
        environment: Mapping[str, str] = os.environ
        if port or _KEY not in environment:
            environment = find(port).environment
        return _call(environment, "/browser-sign-ins", {"url": url, "user": user, "send": True})
    except NotFound as problem:
        _print_line(str(problem))
        return 1


def _call(environment: Mapping[str, str], path: str, body: Mapping[str, object]) -> int:
    """Call the admin API of the emulator that the environment names. Return 1 after a message if it refuses."""
    import ssl
    from urllib.error import HTTPError
    from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

    trust = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
    headers = {"Authorization": f"Bearer {environment[_KEY]}", "Content-Type": "application/json"}
    url = f"{environment['ENTRA_EMULATOR_ADMIN_URL']}/api{path}"
    request = Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - it is the emulator's
    try:
        build_opener(ProxyHandler({}), HTTPSHandler(context=trust)).open(request, timeout=60).close()
    except HTTPError as problem:
        with problem:
            _print_line(json.load(problem)["error"]["message"])
        return 1
    except OSError as problem:
        _print_line(f"The emulator at {environment['ENTRA_EMULATOR_ADMIN_URL']} does not answer: {problem}")
        return 1
    return 0


def _undo(kind: str) -> int:
    try:
        text = render_undo(setting_names(), kind)
    except LookupError as problem:
        _print_line(str(problem.args[0]))
        return 1
    _print(text)
    return 0


def _print(text: str) -> None:
    """Print on stdout in UTF-8. Bytes that are not text stay as they are, because an escape would be another value."""
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{text}\n".encode(errors="surrogateescape"))
    sys.stdout.buffer.flush()


def main(argv: list[str] | None = None) -> int:
    """`python -m entra_emulator [--config FILE] [--port N] [--shell SHELL] [-- COMMAND …]`, or
    `env [--shell KIND] [--port N] [--undo]`
    """
    try:
        return _main(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:  # before the emulator has started; later it has handlers of its own
        return 128 + signal.SIGINT


def _main(words: list[str]) -> int:
    if words[:1] == ["env"]:
        options = _env_parser().parse_args(words[1:])
        return env(options.shell, options.port, undo=options.undo)
    if "--" not in words:
        return serve(words)
    cut = words.index("--")
    options = _parser().parse_args(words[:cut])
    command = words[cut + 1 :]
    if not command:
        _parser().error("no command after --")
    return run(command, options.config, options.port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="entra_emulator",
        description="A local Entra ID. With -- COMMAND, run the command against it and end with its exit code.",
        usage="%(prog)s [--config FILE] [--port N] [--shell SHELL] [-- COMMAND ...]\n"
        "       %(prog)s env [--shell KIND] [--port N] [--undo]",
    )
    parser.add_argument(
        "--config", metavar="FILE", help="tenants, applications and users (TOML) instead of the built-in"
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="HTTPS port on 127.0.0.1 (default: any free one)"
    )
    parser.add_argument(
        "--shell",
        action="append",
        choices=list(_TITLES),
        help="your shell, for the settings that it prints (default: bash); may be repeated",
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input closes")
    return parser


def _env_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="entra_emulator env", description="Print the settings of an emulator that runs on its own."
    )
    parser.add_argument("--shell", choices=list(KINDS), default="bash", help="a shell or language (default: bash)")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="which emulator, if several run")
    parser.add_argument("--undo", action="store_true", help="print what takes the settings back")
    return parser


def _start(config: "Config", port: int, stack: contextlib.ExitStack) -> "Emulator | None":
    """Return a started emulator that ends with the stack; None after a message on stderr if it cannot start."""
    try:
        from . import ConfigError, Emulator
    except ImportError as problem:
        _print_line(str(problem))
        return None
    try:
        return stack.enter_context(Emulator(config, port))
    except (ConfigError, LookupError) as problem:
        _print_line(f"The emulator's configuration cannot be used. {problem}")
    except (OSError, OverflowError) as problem:
        _print_line(f"The emulator cannot listen on port {port}: {problem}")
    return None


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    try:
        return child_process.run(command, environment)
    except OSError as problem:
        message, code = child_process.start_failure(command[0], problem)
        _print_line(message)
        return code


@contextlib.contextmanager
def _on_signals(names: tuple[str, ...], act: Callable[[int], object]) -> Iterator[None]:
    """Call `act` with a signal's number when it arrives. Python allows handlers in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _: FrameType | None) -> None:
        act(number)

    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _settings_text(entra: "Emulator", shells: Sequence[str]) -> str:
    environment = entra.announce()
    return "\n".join(
        [
            f"A local Entra ID listens on {entra.authority}, its proxy on {entra.proxy}.",
            f"Dashboard: {entra.admin_url}/?key={entra.admin_key}",
            *(
                f"Settings for {_TITLES[shell]} (`mstoken emulator env` prints them, for other languages too):"
                f"\n\n{render(environment, shell)}\n"
                for shell in shells
            ),
            "All of it is made up and ends with this process. Ctrl-C ends it.",
        ]
    )


def _print_line(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()

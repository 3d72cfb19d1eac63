"""`mstoken exec`: run one command with a managed identity of its own."""

from __future__ import annotations

import os
import signal
import subprocess

import click

from mstoken.cli import output
from mstoken.cli.command import command
from mstoken.cli.identity import identity_options
from mstoken.cli.options import IdentityArguments
from mstoken.cli.serving import ARC_KEYS_HELP
from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

NOT_EXECUTABLE, NOT_FOUND = 126, 127
_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_KEPT = frozenset({"authority", "cloud"})
_PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_OF_IDENTITIES = ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_TOKEN_CREDENTIALS")


@command(short_help="Run a command with a managed identity of its own.")
@click.argument("words", nargs=-1, required=True, type=click.Path(), metavar="-- COMMAND...")
@click.option(
    "--endpoint",
    "endpoints",
    multiple=True,
    metavar="DIALECT[@PROFILE]",
    help="app-service (the default), imds or azure-arc; may be repeated.",
)
@click.option("--arc-keys", default="", metavar="FOLDER", type=click.Path(), help=ARC_KEYS_HELP)
@identity_options
def exec_command(words: Sequence[str], endpoints: Sequence[str], arc_keys: str, **arguments: str) -> int:
    """Run COMMAND while a local token service gives it tokens, as a managed identity.

    IDENTITY_ENDPOINT and IDENTITY_HEADER lead its Azure SDK to the service; the variables of other identities, with
    their secrets, are left out of its environment. Signals are passed on. mstoken returns the command's exit code, and
    126 or 127 if it could not start.

    \b
      mstoken exec -- python app.py
      mstoken exec --profile work --endpoint imds -- node app.js
    """
    from mstoken.cli.serving import ServingClients, check_identities, plans_of
    from mstoken.integrations.serving.service import Service

    flags = IdentityArguments(**arguments).flags()
    plans, clients = plans_of(endpoints, flags), ServingClients(flags)
    check_identities(plans, clients)
    with Service(plans, clients, _print_failures, arc_keys=arc_keys) as service:
        variables: dict[str, str] = {}
        for endpoint in service.endpoints:
            if twice := variables.keys() & endpoint.variables.keys():
                raise UsageError(f"Two endpoints need the variable {min(twice)}.", "Leave one of them out.")
            variables |= endpoint.variables
        return _run(words, environment_of(os.environ, variables))


def environment_of(environ: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the command: the service's variables in place of those of every other identity."""
    from mstoken.config.environment import VARIABLES
    from mstoken.integrations.serving.service import VARIABLES as ENDPOINTS

    dropped = {name for setting, name in VARIABLES.items() if setting not in _KEPT}
    dropped |= {*ENDPOINTS, *_OF_IDENTITIES}
    made = {name: text for name, text in environ.items() if name not in dropped} | dict(variables)
    if any(environ.get(name) for name in _PROXIES):  # the requests to this service must not go through a proxy
        exempt = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
        made |= dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, (exempt, "127.0.0.1", "localhost"))))
    return made


def _print_failures(line: str) -> None:
    """Print the line of a request that got no token; the others would disturb what the command prints."""
    from mstoken.cli.serving import log

    if not line.rpartition(" ms ")[2].startswith(("token", "challenge")):
        log(f"mstoken: {line}")


def _run(words: Sequence[str], environment: Mapping[str, str]) -> int:
    try:
        process = subprocess.Popen(words, env=environment)  # noqa: S603 - the user's own command, without a shell
    except FileNotFoundError:
        output.error(f"There is no command {words[0]}.", exit_code=NOT_FOUND)
        return NOT_FOUND
    except OSError as error:
        output.error(f"{words[0]} cannot be started: {error.strerror}.", exit_code=NOT_EXECUTABLE)
        return NOT_EXECUTABLE

    def pass_on(number: int, _: FrameType | None) -> None:
        if process.poll() is None and not (number in {signal.SIGINT, _QUIT} and _terminal_sends()):
            process.send_signal(number)

    for name in _PASSED_ON:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), pass_on)
    code = process.wait()
    return 128 - code if code < 0 else code


_QUIT = getattr(signal, "SIGQUIT", None)


def _terminal_sends() -> bool:
    """Return whether ^C reaches the command without us: the terminal sends it to the whole foreground group."""
    if not hasattr(os, "tcgetpgrp"):
        return True  # on Windows the console does
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)

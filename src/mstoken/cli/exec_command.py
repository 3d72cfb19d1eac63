"""`mstoken exec`: run one command with a managed identity of its own."""

from __future__ import annotations

import os

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
    from mstoken import child_process

    try:
        return child_process.run(words, environment)
    except OSError as error:
        message, code = child_process.start_failure(words[0], error)
        output.error(message, exit_code=code)
        return code

"""`mstoken serve`: a local token service for programs and containers."""

from __future__ import annotations

import os
import threading

import click

from mstoken.cli import exit_codes, output
from mstoken.cli.command import command
from mstoken.cli.identity import identity_options
from mstoken.cli.options import IdentityArguments
from mstoken.cli.serving import ARC_KEYS_HELP, ENDPOINT, HOST_HELP
from mstoken.cli.signals import on_signals
from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mstoken.cli.serving import ServingClients
    from mstoken.integrations.serving.service import EndpointPlan, Service

_MAX_FILE = 64 * 1024


@command(short_help="Serve tokens to programs and containers, as a managed identity.")
@click.argument("endpoints", nargs=-1, metavar=ENDPOINT)
@click.option(
    "--env-dir",
    default="",
    metavar="FOLDER",
    type=click.Path(),
    help="Write each endpoint's variables to FOLDER/DIALECT.env.",
)
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help=HOST_HELP)
@click.option("--arc-keys", default="", metavar="FOLDER", type=click.Path(), help=ARC_KEYS_HELP)
@identity_options
def serve(endpoints: Sequence[str], env_dir: str, hosts: Sequence[str], arc_keys: str, **arguments: str) -> int:
    """Serve tokens of your identities to other programs, until SIGTERM or ^C. SIGHUP reads the configuration again.

    DIALECT is app-service (the default), imds or azure-arc; PROFILE an identity other than that of the options, and
    more profiles after a comma are those that a program may choose by name or client ID. ADDRESS is a port, an IP
    address with a port, or unix:PATH. The variables that lead an Azure SDK to an endpoint are printed, or written to a
    file that only you can read, whose secret stays the same after a restart. Standard error gets a line for
    each request.

    \b
      mstoken serve
      mstoken serve app-service@ci=172.17.0.1:8181 --allow-host host.docker.internal --env-dir ~/.mstoken-env
      mstoken serve imds=unix:/run/user/1000/imds.sock
    """
    from pathlib import Path

    from mstoken.cli.serving import ServingClients, check_identities, log, plans_of, unbuffer_log
    from mstoken.integrations.serving.service import Service

    flags = IdentityArguments(**arguments).flags()
    plans, clients = plans_of(endpoints, flags), ServingClients(flags)
    check_identities(plans, clients)
    folder = Path(env_dir) if env_dir else None
    if folder:
        plans = [_with_known_secret(plan, folder / f"{plan.name}.env") for plan in plans]
    ended, reload = threading.Event(), threading.Event()
    on_signals(("SIGINT", "SIGTERM"), ended.set)
    on_signals(("SIGHUP",), reload.set)
    unbuffer_log()
    with Service(plans, clients, log, hosts=hosts, arc_keys=arc_keys) as service:
        _announce(service, folder)
        _wait(ended, reload, plans, clients)
    return exit_codes.DONE


def _wait(
    ended: threading.Event, reload: threading.Event, plans: Sequence[EndpointPlan], clients: ServingClients
) -> None:
    from mstoken.cli.error_handling import record_of
    from mstoken.cli.serving import check_identities, log

    while not ended.wait(0.5):  # a bounded wait, because Windows does not interrupt an unbounded one
        if not reload.is_set():
            continue
        reload.clear()
        clients.reload()
        try:
            check_identities(plans, clients)
            log("mstoken: The configuration was read again.")
        except UsageError as error:  # requests get the same error until the file is corrected
            log(f"mstoken: error: {record_of(error)['message']}")
        on_signals(("SIGINT",), ended.set)  # a new client lets ^C end the process at once (`open_stores`)


def _announce(service: Service, folder: Path | None) -> None:
    """Print where each endpoint is; its variables, with the secret, go to its file or to standard output."""
    for endpoint in service.endpoints:
        output.message(f"{endpoint.plan.name} is at {endpoint.listener.address.text}.")
        if folder and endpoint.variables:
            _write(folder / f"{endpoint.plan.name}.env", endpoint.variables)
        elif endpoint.variables:
            output.write(_text(endpoint.variables))


def _text(variables: Mapping[str, str]) -> str:
    """Return the variables without quotes, which Docker and systemd would take for a part of the value.

    They are URLs and hexadecimal digits, in which no character has a meaning there.
    """
    return "\n".join(f"{name}={text}" for name, text in variables.items())


def _write(path: Path, variables: Mapping[str, str]) -> None:
    """Write the file by rename, readable for its owner alone. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            stream.write(_text(variables) + "\n")
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _with_known_secret(plan: EndpointPlan, path: Path) -> EndpointPlan:
    """Return the endpoint with the secret of an earlier run, which containers have already.

    Raises UsageError for a file that others can read or have written.
    """
    from mstoken.cli.serving import with_secret

    try:
        with path.open("rb") as file:
            status, content = os.fstat(file.fileno()), file.read(_MAX_FILE).decode("ascii", "replace")
    except FileNotFoundError:
        return plan
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Remove it.") from None
    if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & 0o077):
        raise UsageError(f"{path} is not yours alone, so its secret is not used.", "Remove it.")
    lines = dict(line.partition("=")[::2] for line in content.splitlines())
    secret = lines.get("IDENTITY_HEADER", "")
    return with_secret(plan, secret) if len(secret) == 64 and secret.isalnum() else plan

"""`mstoken docker-credential`, also `docker-credential-mstoken`: Docker's credential helper for Azure's registries."""

from __future__ import annotations

import click

from mstoken.cli import output, standard_input
from mstoken.cli.command import command
from mstoken.cli.identity import identity_options
from mstoken.cli.options import IdentityArguments
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mstoken.errors import MstokenError
    from mstoken.flows.store_port import AccessTokenStore

_MAX_INPUT = 1024 * 1024


@command(short_help="Give Docker a token for Azure Container Registry.")
@click.argument("operation")
@identity_options
def docker_credential(operation: str, **arguments: str) -> int:
    """Answer OPERATION get, store, erase, list or version; Docker starts it, as docker-credential-mstoken.

    For *.azurecr.io (and .us, .cn) `get` prints a token that the registry issues for yours. For other servers, or if
    there is no identity, Docker goes on without credentials. `erase`, which `docker logout` starts, deletes the
    registry's token from the cache. `store` is refused: `docker login` is not needed. Every error is one line on
    standard output and exit code 1, as Docker demands; standard error has the same with the service's own words.

    \b
      echo '{"credHelpers": {"contoso.azurecr.io": "mstoken"}}' > ~/.docker/config.json
      docker pull contoso.azurecr.io/image
    """
    from mstoken.cli import exit_codes
    from mstoken.errors import MstokenError, NotConfigured
    from mstoken.integrations import docker

    try:
        docker.check_operation(operation)
        _answer(operation, IdentityArguments(**arguments).flags())
    except docker.HelperError as error:
        output.write(error.message)
    except NotConfigured as error:
        output.write(docker.NOT_FOUND)
        _explain(error)
    except MstokenError as error:
        output.write(" ".join(f"mstoken: {error.message} {error.remedy}".split()))
        _explain(error)
    else:
        return exit_codes.DONE
    return docker.EXIT_CODE


def _answer(operation: str, flags: dict[str, Any]) -> None:
    """Print the answer. Raises MstokenError."""
    from mstoken.cli.help import version_line
    from mstoken.integrations import docker

    if operation == "version":
        output.write(f"docker-credential-mstoken ({version_line().partition(' ')[0]}) {version_line().split()[-1]}")
        return
    if operation == "list":
        output.write(docker.list_servers(_tokens(flags)))
        return
    given = standard_input.read_bytes(_MAX_INPUT)
    if operation == "store":
        raise docker.HelperError(docker.STORES_NOTHING)
    server = given.decode(errors="replace").strip()
    host = docker.registry_host(server)
    if operation == "get":
        _get(server, host, flags)
    elif host:
        from mstoken.rest import container_registry

        container_registry.forget(host, _tokens(flags))


def _get(server: str, host: str, flags: dict[str, Any]) -> None:
    from mstoken.cli.tool_client import tool_client
    from mstoken.integrations import docker

    if not host:
        raise docker.HelperError(docker.NOT_FOUND)
    with tool_client(flags) as tool:
        answer = docker.get(server, host, tool)
    output.write(answer)


def _tokens(flags: dict[str, Any]) -> AccessTokenStore:
    from mstoken.cli.identity import open_stores, settings_for

    return open_stores(settings_for(flags).store).access_tokens


def _explain(error: MstokenError) -> None:
    """Print the error on standard error too, where it has the service's words and the next step on their own lines."""
    from mstoken.cli.error_handling import report

    report(error)


def main() -> int:
    """Run the console script `docker-credential-mstoken`."""
    import sys

    from mstoken.cli import app, error_handling

    arguments = ["docker-credential", *sys.argv[1:]]
    return error_handling.run(lambda: app.main(arguments), arguments)

"""`mstoken git-credential`: Git's credential helper for Azure Repos."""

from __future__ import annotations

import click

from mstoken.cli import output, standard_input
from mstoken.cli.command import command
from mstoken.cli.identity import identity_options
from mstoken.cli.options import IdentityArguments
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mstoken.integrations.git import GitRequest

_MAX_INPUT = 1024 * 1024


@command(short_help="Give Git a token for Azure Repos.")
@click.argument("operation")
@identity_options
def git_credential(operation: str, **arguments: str) -> None:
    """Answer Git's OPERATION get, store, erase or capability; Git starts this command itself.

    For dev.azure.com and *.visualstudio.com over https, `get` prints an access token. It prints nothing for other
    hosts, or if there is no identity; Git then asks the next helper, or you. After any other error it prints quit=1,
    with which Git stops. The tenant is the organization's own. `erase` deletes a refused token from the cache.

    \b
      git config --global credential.helper '!mstoken git-credential'
      git config --global credential.helper '!mstoken git-credential --profile work'
    """
    from mstoken.integrations import git

    if operation == "capability":
        output.write_bytes(git.CAPABILITIES)
        return
    request = git.parse(standard_input.read_bytes(_MAX_INPUT))
    if not request.organization_url or operation not in {"get", "erase"}:  # Git may have more operations one day
        return
    if request.protocol != "https":
        output.message(f"No token for {request.host} without https, which would show it to the network.")
        return
    flags = IdentityArguments(**arguments).flags()
    if operation == "erase":
        from mstoken.cli.identity import open_stores, settings_for

        git.erase(request, open_stores(settings_for(flags).store).access_tokens)
        return
    _get(request, flags)


def _get(request: GitRequest, flags: dict[str, Any]) -> None:
    from mstoken.cli.tool_client import principal_of, tool_client
    from mstoken.errors import MstokenError, NotConfigured
    from mstoken.integrations import git

    try:
        with tool_client(flags) as tool:
            tenant = request.tenant or (
                "" if flags["tenant"] else tool.find_organization(request.organization_url).tenant
            )
            token = tool.get_token(git.SERVICE, tenant)
            answer = git.answer(request, token, principal_of(token, tool.client.client_id), tenant)
    except NotConfigured:
        raise
    except MstokenError:
        output.write_bytes(git.stop())
        raise
    output.write_bytes(answer)

"""`mstoken get`: the click command; `get_token` does the work."""

from __future__ import annotations

import click

from mstoken.cli.command import command
from mstoken.cli.completion import complete_service
from mstoken.cli.identity import identity_options, options
from mstoken.cli.options import GET, GetArguments
from mstoken.cli.tenants_options import tenants_options
from mstoken.typed import Any


@command(short_help="Print an access token.")
@click.argument("services", nargs=-1, metavar="[SERVICE|URL|SCOPE]...", shell_complete=complete_service)
@identity_options
@options(GET)
@tenants_options
def get(**arguments: Any) -> int | None:
    """Print an access token for a service, an API's URL, a resource or a scope.

    Tenant, client and credential come from the options, else from the environment (AZURE_TENANT_ID, AZURE_CLIENT_ID,
    AZURE_CLIENT_SECRET, MSTOKEN_REFRESH_TOKEN, …), else from a profile. No option takes a secret. A cached token that
    is still valid is printed without a request.

    With --tenants, it prints a line of JSON for each tenant, {"tenant": "…", "outcome": "done", "token": "…"}, with
    "error" if it failed. The exit code is 6 if some failed; if all failed for one reason, that reason's.

    \b
      mstoken get graph
      mstoken get https://management.azure.com/subscriptions
      mstoken get sharepoint:contoso --profile work
      mstoken get graph --scope User.Read --scope Mail.Read
      mstoken get graph -o header | curl -H '@-' https://graph.microsoft.com/v1.0/me
      mstoken get arc-k8s --pop CLUSTER_RESOURCE_ID
      mstoken get graph --tenants tenants.txt
    """
    if arguments["tenants"]:
        from mstoken.cli.get_tenants import get_in_tenants

        return get_in_tenants(GetArguments(**arguments))
    from mstoken.cli.get_token import run_get

    run_get(GetArguments(**arguments))
    return None

"""`mstoken get`: the click command; `get_token` does the work."""

from __future__ import annotations

import click

from mstoken.cli.command import command
from mstoken.cli.completion import complete_service
from mstoken.cli.identity import identity_options, options
from mstoken.cli.options import GET, GetArguments
from mstoken.typed import Any


@command(short_help="Print an access token.")
@click.argument("services", nargs=-1, metavar="[SERVICE|URL|SCOPE]...", shell_complete=complete_service)
@identity_options
@options(GET)
def get(**arguments: Any) -> None:
    """Print an access token for a service, an API's URL, a resource or a scope.

    Tenant, client and credential come from the options, else from the environment (AZURE_TENANT_ID, AZURE_CLIENT_ID,
    AZURE_CLIENT_SECRET, MSTOKEN_REFRESH_TOKEN, …), else from a profile. No option takes a secret. A cached token that
    is still valid is printed without a request.

    \b
      mstoken get graph
      mstoken get https://management.azure.com/subscriptions
      mstoken get sharepoint:contoso --profile work
      mstoken get graph --scope User.Read --scope Mail.Read
      mstoken get graph -o header | curl -H @- https://graph.microsoft.com/v1.0/me
      mstoken get arc-k8s --pop CLUSTER_RESOURCE_ID
    """
    from mstoken.cli.get_token import run_get

    run_get(GetArguments(**arguments))

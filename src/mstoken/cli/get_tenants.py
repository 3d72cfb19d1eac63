"""`--tenants` of `mstoken get`: a token in each of many tenants, on lines of JSON."""

from __future__ import annotations

import json

from mstoken.cli import output
from mstoken.cli.get_token import check_arguments, claims_text, request_token, scopes_wanted
from mstoken.cli.identity import client_for
from mstoken.cli.tenants import Task, run_tenants
from mstoken.cli.token_formats import render
from mstoken.errors import UsageError
from mstoken.fleet.schedule import Pace
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.cli.options import GetArguments
    from mstoken.client import Client


def get_in_tenants(arguments: GetArguments) -> int:
    """Print a line with the token of each tenant, in the fields of `-o json`, and return the exit code.

    Raises UsageError.
    """
    check_arguments(arguments)
    if arguments.output not in ("token", "json"):
        raise UsageError(
            f"--tenants prints lines of JSON, not --output {arguments.output}.",
            "Leave out --output, or name one tenant.",
        )
    with client_for(arguments.flags()) as client:
        scopes = scopes_wanted(client, arguments.services, arguments.scope)
        claims = claims_text(arguments.claims)
        if warning := client.target(*scopes).warning:
            output.message(warning)

        def work(tenant: Client, _: Callable[[], None]) -> dict[str, Any]:
            token = request_token(tenant, scopes, claims, arguments)
            fields = (token.token, token.expires_on, token.token_type, token.refresh_on, token.scope, token.got_on)
            shown: dict[str, Any] = json.loads(render("json", fields))
            return shown

        return run_tenants(client, arguments.tenants, Task(work, Pace(arguments.concurrency)))

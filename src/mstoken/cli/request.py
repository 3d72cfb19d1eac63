"""`mstoken request`: call an API with the right token."""

from __future__ import annotations

import re

import click

from mstoken.cli import output, standard_input
from mstoken.cli.command import command
from mstoken.cli.completion import complete_service
from mstoken.cli.identity import client_for, identity_options, options
from mstoken.cli.options import TIMEOUT, RequestArguments
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# RFC 9110 sections 5.1 and 5.6.2: the characters of a header name, and of a method.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD_FORM = re.compile(r"[A-Za-z]{1,20}")


@command(short_help="Call an API with the right token.")
@click.argument("method")
@click.argument("url")
@identity_options
@click.option(
    "--scope",
    default="",
    metavar="SCOPE",
    shell_complete=complete_service,
    help="Token to use: a service name, resource or scope. By default the URL determines it.",
)
@click.option(
    "--origin", default="", metavar="URL", help="Allow this origin to receive the token, for example a gateway."
)
@click.option(
    "--header", "-H", "headers", multiple=True, metavar="'NAME: VALUE'", help="Additional header; may be repeated."
)
@click.option("--data", "-d", "data", default=None, metavar="TEXT|@FILE|-", help="Request body; - is standard input.")
@options((TIMEOUT,))
@click.option("--include", "-i", is_flag=True, help="Show status and headers on standard error.")
def request(**given: Any) -> int:
    """Call the API at URL with METHOD and the token it needs, and print the response body unchanged.

    A path that begins with /subscriptions, /providers or /tenants belongs to Azure Resource Manager. The token goes
    only to the host of its service. A JSON body sets Content-Type: application/json.

    The body is printed whatever the status. For an error, mstoken explains it on standard error; the exit code is 4 for
    4xx, 3 if a sign-in is required, and 5 for 408, 429 and 5xx.

    \b
      mstoken request GET https://graph.microsoft.com/v1.0/organization
      mstoken request GET '/subscriptions?api-version=2022-12-01'
      mstoken request PATCH https://graph.microsoft.com/v1.0/me -d @changes.json
    """
    from mstoken.cli import api_response
    from mstoken.services import Scope

    arguments = RequestArguments(**given)
    method, url = _method(arguments.method), arguments.url
    headers = _headers(arguments.headers)
    body = _body(arguments.data)
    if body and "content-type" not in {name.lower() for name in headers} and _is_json(body):
        headers["Content-Type"] = "application/json"
    with client_for(arguments.flags()) as client:
        full_url = client.api_url(url)
        wanted = Scope(arguments.scope) if arguments.scope else full_url
        target = None if client.authority.token_url else client.target(wanted)
        if target and target.warning:
            output.message(target.warning)
        response = client.request(
            method,
            full_url,
            scope=arguments.scope,
            origin=arguments.origin,
            headers=headers,
            body=body,
            timeout=arguments.timeout or None,
        )
        if arguments.include:
            api_response.show_head(response)
        api_response.show_body(response.body)
        return api_response.explain_response(response)


def _method(method: str) -> str:
    from mstoken.errors import UsageError

    if not _METHOD_FORM.fullmatch(method):
        raise UsageError(f"{method!r} is not a method.", "The order is METHOD URL: mstoken request GET https://…")
    return method.upper()


def _headers(given: Iterable[str]) -> dict[str, str]:
    """Parse `Name: value` texts; join the values of a repeated header with a comma (RFC 9110 section 5.3)."""
    from mstoken.errors import UsageError

    headers: dict[str, str] = {}
    for text in given:
        name, colon, value = text.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not _HEADER_NAME.fullmatch(name):
            raise UsageError("A header has the form 'Name: value'.", "For example: -H 'ConsistencyLevel: eventual'")
        if name.lower() == "authorization":
            raise UsageError(
                "mstoken sets the Authorization header itself.",
                "Choose the token: --scope, --tenant, --client-id or --profile.",
            )
        if not value.isprintable():
            raise UsageError(f"The value of the header {name} contains a control character.", "Remove it.")
        before = next((context for context in headers if context.lower() == name.lower()), name)
        headers[before] = f"{headers[before]}, {value}" if before in headers else value
    return headers


def _body(data: str | None) -> bytes:
    if data is None:
        return b""
    if data in {"-", "@-"}:
        return standard_input.read()
    if not data.startswith("@"):
        return data.encode(errors="surrogateescape")
    from pathlib import Path

    from mstoken.errors import UsageError

    try:
        return Path(data[1:]).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"{data[1:]!r} cannot be read: {error.strerror}.", "Check the path after @.") from None


def _is_json(body: bytes) -> bool:
    import json

    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True

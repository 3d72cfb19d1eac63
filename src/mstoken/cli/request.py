"""`mstoken request`: call an API with the right token."""

from __future__ import annotations

import click

from mstoken.cli import exit_codes
from mstoken.cli.api_requests import check_save, items_in, responses, save
from mstoken.cli.command import WholeNumber, command
from mstoken.cli.completion import complete_service
from mstoken.cli.identity import client_for, identity_options
from mstoken.cli.options import RequestArguments
from mstoken.cli.request_output import FORMATS, Printer
from mstoken.cli.request_transfer import check_upload, transferred
from mstoken.cli.tenants_options import tenants_options
from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from mstoken.cli.request_continue import OnResponse
    from mstoken.client import Client
    from mstoken.rest.response import ApiResponse


_OF_ONE_REQUEST = frozenset(
    [
        "data",
        "params",
        "fields",
        "raw_fields",
        "every_page",
        "slurp",
        "max_pages",
        "query",
        "output",
        "save",
        "upload",
        "include",
        "tenants",
        "resume",
        "wait",
        "operation",
        "delta",
    ]
)
"""Parameters that --stdin excludes: each line says itself what to send, and each result has its line."""


@command(short_help="Call an API with the right token.")
@click.argument("method", required=False, metavar="METHOD")
@click.argument("url", required=False, metavar="URL")
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
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="Query parameter, which is encoded; may be repeated."
)
@click.option(
    "--field",
    "-F",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    help="Field of a JSON body; true, false, null and whole numbers have their type, @FILE is a file's text.",
)
@click.option(
    "--raw-field", "-f", "raw_fields", multiple=True, metavar="NAME=VALUE", help="Field of a JSON body, always text."
)
@click.option("--data", "-d", "data", default=None, metavar="TEXT|@FILE|-", help="Request body; - is standard input.")
@click.option(
    "--timeout",
    type=WholeNumber(0, of="seconds"),
    default=0,
    metavar="SECONDS",
    help="Seconds that the token, and then each request, may take; 30 by default.",
)
@click.option(
    "--retries",
    type=WholeNumber(0),
    default=3,
    show_default=True,
    metavar="N",
    help="Repeated requests after a temporary failure.",
)
@click.option(
    "--max-wait",
    type=WholeNumber(0, of="seconds"),
    default=180,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait before a repeated request. If the API asks for more, its response is printed.",
)
@click.option("--retry-unsafe", is_flag=True, help="Also repeat POST and PATCH if they may have been executed.")
@click.option("--all", "every_page", is_flag=True, help="Read all pages, and print each item on a line of JSON.")
@click.option(
    "--delta",
    default="",
    metavar="FILE",
    help="Print what has changed since the run that wrote FILE, as lines of JSON; the URL names a delta function.",
)
@click.option("--slurp", is_flag=True, help="With --all: print one array of all items instead of lines.")
@click.option(
    "--max-pages",
    type=WholeNumber(1),
    default=None,
    metavar="N",
    help="With --all: stop after N pages, with a warning.",
)
@click.option(
    "--query",
    "-q",
    default="",
    metavar="JMESPATH",
    help="Print what this expression selects from the body; with --all, from the list of items.",
)
@click.option(
    "--output",
    "-o",
    type=click.Choice(FORMATS),
    default=None,
    help="Output format. By default the body is printed unchanged, and items are lines of JSON.",
)
@click.option(
    "--subscription",
    default="",
    metavar="ID",
    help="Subscription for {subscription} in the URL; by default AZURE_SUBSCRIPTION_ID, or the only one.",
)
@click.option(
    "--save",
    default="",
    metavar="FILE",
    help="Write the response body to FILE instead of printing it. The same command continues an interrupted download.",
)
@click.option(
    "--upload",
    default="",
    metavar="FILE",
    help="Send FILE; with POST …/createUploadSession in parts. The same command continues an interrupted upload.",
)
@tenants_options
@click.option(
    "--resume",
    default="",
    metavar="FILE",
    help="With --tenants: append the results to FILE too, and leave out the tenants that it has as done.",
)
@click.option("--wait", is_flag=True, help="Wait for the long-running operation that the request begins.")
@click.option(
    "--operation",
    default="",
    metavar="URL",
    help="With --wait: send nothing, and wait for this operation, which METHOD URL began.",
)
@click.option("--stdin", is_flag=True, help="Read requests from standard input, as lines of JSON.")
@click.option(
    "--batch", is_flag=True, help="Read requests to Microsoft Graph like --stdin, and send twenty at a time ($batch)."
)
@click.option(
    "--continue",
    "again",
    is_flag=True,
    help="Send the latest request that a sign-in interrupted, and nothing else.",
)
@click.option("--include", "-i", is_flag=True, help="Show status and headers on standard error.")
def request(**values: Any) -> int:
    """Call the API at URL with METHOD and the token it needs, and print the response body unchanged.

    A service's name may stand before a path: graph:/users, graphbeta:/users, keyvault:NAME:/secrets. A path that begins
    with /subscriptions, /providers or /tenants belongs to Azure Resource Manager. {tenant} and {subscription} in the
    URL are filled in. The token goes only to the host of its service, and without --tenant it is for the tenant of the
    subscription in the URL. A JSON body sets Content-Type: application/json.

    With --stdin, each line is a request: {"url": "graph:/users", "method": "GET", "headers": {}, "body": {}, "tenant":
    "contoso.com"}. It prints one line, in the same order: {"line": 1, "status": 200, "headers": {}, "body": {}}, with
    "error" if it failed. The exit code is 6 if any failed. --batch does the same with requests to Microsoft Graph for
    one tenant, twenty at a time; "dependsOn": ["ID"] names requests before it that must succeed first.

    With --tenants, the request is sent in each tenant of a list, several at once. A line for each is printed as it
    arrives: {"tenant": "contoso.com", "outcome": "done", "status": 200, "headers": {}, "body": {}}, with "error" if it
    failed. The exit code is 6 if some failed; if all failed for one reason, that reason's. With --resume, the same
    command continues an interrupted run.

    The body is printed whatever the status. For an error, mstoken explains it on standard error; the exit code is 4 for
    4xx, 3 if a sign-in is required, and 5 for 408, 429 and 5xx. These and lost connections are repeated first, where
    that does nothing twice: POST and PATCH only after 429, or 503 with Retry-After.

    \b
      mstoken request GET graph:/organization
      mstoken request GET graph:/users --all
      mstoken request GET graph:/users/delta --delta users.delta
      mstoken request GET graph:/users --param top=5 -q 'value[].{name: displayName, id: id}' -o table
      mstoken request POST graph:/groups -F displayName=Sales -F mailEnabled=false -F 'groupTypes[]=Unified' …
      mstoken request GET graph:/me/photo/$value --save photo.jpg
      mstoken request PUT graph:/me/drive/root:/report.zip:/content --upload report.zip
      mstoken request GET '/subscriptions?api-version=2022-12-01'
      mstoken request DELETE '/subscriptions/…/resourceGroups/old?api-version=2022-12-01' --wait
      jq -c '{url: "graph:/users", tenant: .id}' tenants.json | mstoken request --stdin
      mstoken request GET graph:/organization --tenants tenants.txt
      mstoken request GET graph:/users --all --tenants all-customers --resume users.ndjson
      mstoken request PATCH https://graph.microsoft.com/v1.0/me -d '@changes.json'
    """
    if values.pop("again"):
        from mstoken.cli.request_continue import continue_latest

        _refuse_beside_continue()
        return continue_latest(_send)
    if values["batch"]:
        from mstoken.cli.request_batch import serve_batch

        _refuse_beside_stdin("--batch", but=frozenset(["every_page", "max_pages"]))
        return serve_batch(
            RequestArguments(**values | {"method": "", "url": "", "max_pages": values["max_pages"] or 0, "output": ""})
        )
    if values["stdin"]:
        from mstoken.cli.request_lines import serve_lines

        _refuse_beside_stdin("--stdin")
        return serve_lines(RequestArguments(**values | {"method": "", "url": "", "max_pages": 0, "output": ""}))
    _require_arguments()
    arguments = RequestArguments(**values | {"max_pages": values["max_pages"] or 0, "output": values["output"] or ""})
    check_save(arguments)
    check_upload(arguments)
    if arguments.wait or arguments.operation:
        from mstoken.cli.request_wait import check_wait

        check_wait(arguments)
    if arguments.tenants:
        from mstoken.cli.request_tenants import serve_tenants

        _refuse_beside_tenants(arguments)
        return serve_tenants(arguments)
    if arguments.resume:
        raise UsageError("--resume is for a list of tenants.", "Add --tenants, or leave out --resume.")
    if arguments.operation or arguments.method.upper() in {"GET", "HEAD"}:
        return _send(arguments)
    from mstoken.cli.request_continue import storing

    return storing(arguments, _send)


def _send(arguments: RequestArguments, on_response: OnResponse = lambda _response: None) -> int:
    """Send the request and print the response. Returns the exit code. `on_response` gets the API's first response."""
    with client_for(arguments.flags()) as client:
        if arguments.delta:
            from mstoken.cli.request_delta import print_changes

            return print_changes(client, arguments)
        show = _print_every_page if arguments.every_page else _print_response
        return show(client, arguments, on_response)


def _refuse_beside_continue() -> None:
    """Raise a usage error for anything beside --continue: the request has its own options."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
        if given and parameter.name not in {"again", "debug"}:
            raise click.UsageError(f"--continue excludes {parameter.opts[0]}: the request has its own.", context)


def _refuse_beside_stdin(option: str, but: frozenset[str] = frozenset()) -> None:
    """Raise a usage error for what each line of standard input says itself, or what a line of output cannot hold."""
    context = click.get_current_context()
    for parameter in context.command.params:
        if parameter.name in {"method", "url", *_OF_ONE_REQUEST} - but:
            name = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.make_metavar(context)
            if context.params[parameter.name] not in (None, False, "", ()):
                raise click.UsageError(f"{name} and {option} exclude each other: each line is a request.", context)


def _refuse_beside_tenants(arguments: RequestArguments) -> None:
    """Raise UsageError for options that a line of output cannot hold, and for two uses of standard input."""
    beside = {
        "--save": arguments.save,
        "--include": arguments.include,
        "--slurp": arguments.slurp,
        "--wait": arguments.wait,
    }
    beside["--output"] = arguments.output if arguments.output not in ("", "ndjson") else ""
    for name, given in beside.items():
        if given:
            raise UsageError(
                f"{name} does not fit --tenants, which prints a line for each tenant.", f"Leave out {name}."
            )
    if arguments.tenants == "-" and arguments.data in ("-", "@-"):
        raise UsageError("Standard input cannot be both the tenants and the body.", "Put one of them into a file.")


def _require_arguments() -> None:
    """Raise click's own error for an argument that is missing; only --stdin does without them."""
    context = click.get_current_context()
    for parameter in context.command.params:
        if isinstance(parameter, click.Argument) and context.params[parameter.name or ""] is None:
            raise click.MissingParameter(ctx=context, param=parameter)


def _print_response(client: Client, arguments: RequestArguments, on_response: OnResponse) -> int:
    from mstoken.cli import api_response

    printer = _printer(arguments) if arguments.output or arguments.query else None
    response = _response(client, arguments, on_response)
    if arguments.include:
        api_response.show_head(response)
    if arguments.save and response.ok:
        if arguments.wait:
            save(response.body, arguments.save)
    elif printer and response.ok and response.body:
        printer.document(response.json(), items_in(response))
    else:
        api_response.show_body(response.body)
    return api_response.explain_response(response)


def _response(client: Client, arguments: RequestArguments, on_response: OnResponse) -> ApiResponse:
    """Return the response; with --wait, the result of the operation that it began."""
    began = None if arguments.operation else transferred(client, arguments)
    if began is not None:
        on_response(began)
        if not arguments.wait:
            return began
    from mstoken.cli.request_wait import operation_at, waited

    return waited(client, arguments, operation_at(client, arguments) if began is None else began)


def _print_every_page(client: Client, arguments: RequestArguments, on_response: OnResponse) -> int:
    """Print the items in the output format; a response that is not a collection is one item.

    What needs all items first is not printed if a page failed, because it would lack the rest.
    """
    from mstoken.cli import api_response

    code, printer = exit_codes.DONE, _printer(arguments)
    for response, items in responses(client, arguments):
        on_response(response)
        if arguments.include:
            api_response.show_head(response)
        code = api_response.explain_response(response)
        if response.ok and response.body:
            printer.page([response.json()] if items is None else items)
    if code == exit_codes.DONE:
        printer.end()
    return code


def _printer(arguments: RequestArguments) -> Printer:
    """Return the printer for --output, --query and --slurp. Raises UsageError for an expression that is invalid."""
    output_format = arguments.output or ("json" if arguments.slurp or not arguments.every_page else "ndjson")
    return Printer(output_format, arguments.query, whole=arguments.slurp)

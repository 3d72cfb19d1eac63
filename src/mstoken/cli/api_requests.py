"""Requests to APIs as the command line, its lines of JSON and a session describe them: checked, sent and recorded.

Nothing here needs click, which takes longer to import than a request to an API takes.
"""

from __future__ import annotations

import re

from mstoken.cli import output, standard_input
from mstoken.cli.request_placeholders import fill_in
from mstoken.cli.shell_slips import refuse_slip_in_body, refuse_slip_in_json, refuse_slip_in_url
from mstoken.errors import UnreadableAnswer, UsageError
from mstoken.hidden import HiddenDict
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mstoken.cli.options import RequestArguments
    from mstoken.client import Client
    from mstoken.rest.partial_file import OnBytes
    from mstoken.rest.response import ApiResponse

# RFC 9110 sections 5.1 and 5.6.2: the characters of a header name, and of a method.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD_FORM = re.compile(r"[A-Za-z]{1,20}")


def responses(
    client: Client, arguments: RequestArguments, on_progress: OnBytes | None = None
) -> Iterator[tuple[ApiResponse, list[Any] | None]]:
    """Send the request; yield its response, or with `every_page` that of each page as it is asked for, and its items.

    The items are None without `every_page`, and for a response that is not a collection. A response with an error is
    the last one. With `save`, the body of a success is in that file; `upload` sends one. Raises UsageError before
    anything is sent, and what `Client.request`, `Client.download` and `Client.upload` raise.
    """
    method, url, options = prepare(client, arguments)
    if arguments.every_page:
        for page in client.pages(url, method=method, max_pages=arguments.max_pages or None, **options):
            yield page.response, page.items
    elif arguments.upload:
        body = options.pop("body")
        json = _session_body(url, body) if body else None
        del options["follow_tenant"]
        yield (
            client.upload(method, url, arguments.upload, json=json, resume=True, on_progress=on_progress, **options),
            None,
        )
    elif arguments.save and not arguments.wait:  # the body that --wait saves is that of the result
        yield client.download(url, arguments.save, method=method, on_progress=on_progress, **options), None
    else:
        yield client.request(method, url, **options), None


def items_in(response: ApiResponse) -> list[Any] | None:
    """Return the items of a response that is a page of a collection; None for another one."""
    from mstoken.rest.paging import page_of, page_style

    url = response.request_line.partition(" ")[2]
    return page_of(response.json(), page_style(response.context.get("service", ""), url))


def body_fields(response: ApiResponse) -> dict[str, Any]:
    """Return the response's body for a program: `body` is a value for JSON and text for text; else there is `base64`.

    Raises UnreadableAnswer for a body that should be JSON and is not; that of an error response is then text.
    """
    import base64

    if not response.body:
        return {}
    kind = response.headers.get("content-type", "").lower()
    if "json" in kind.partition(";")[0]:
        try:
            return {"body": response.json()}
        except UnreadableAnswer:
            if response.ok:
                raise
            return {"body": response.text}
    if kind.startswith("text/") or "xml" in kind:
        return {"body": response.text}
    return {"base64": base64.b64encode(response.body).decode()}


def selected_fields(response: ApiResponse, query: str) -> dict[str, Any]:
    """Return `body_fields` with what the JMESPath expression selects from the body, if there is an expression.

    Raises UsageError for an expression that does not fit, and UnreadableAnswer for a body that is not JSON.
    """
    from mstoken.cli.request_output import compiled

    search = compiled(query)
    return {"body": search(response.json())} if search and response.body else body_fields(response)


def _session_body(url: str, body: bytes) -> Any:
    """Return the JSON that begins an upload session. Raises UsageError for a second body of any other request."""
    import json

    if not url.partition("?")[0].lower().endswith("createuploadsession"):
        raise UsageError("--upload is the body, and a request has one.", "Leave out the other one.")
    try:
        return json.loads(body)
    except ValueError:
        raise UsageError("The body that begins an upload session is JSON.", "Build it with -F.") from None


def check_save(arguments: RequestArguments) -> None:
    """Refuse options that exclude each other. Raises UsageError."""
    if arguments.save and arguments.every_page:
        raise UsageError(
            "--save writes one response, --all reads several.", "Leave out one of them; --all prints: > FILE"
        )
    if arguments.save and arguments.query:
        raise UsageError(
            "--save writes the whole response, --query selects from it.",
            "Leave out one of them; --query prints: > FILE",
        )
    for name, given in (("--slurp", arguments.slurp), ("--max-pages", arguments.max_pages)):
        if given and not arguments.every_page:
            raise UsageError(f"{name} is for all pages of a collection.", f"Add --all, or leave out {name}.")


def prepare(client: Client, arguments: RequestArguments) -> tuple[str, str, dict[str, Any]]:
    """Return method, full URL and options of the `arguments` for `Client.request`. Raises UsageError."""
    from mstoken.services import Scope

    method = _method(arguments.method)
    refuse_slip_in_url(arguments.url)
    headers = _headers(arguments.headers)
    given = _given_body(method, arguments, headers)
    body, is_json = _json_or_bytes(given)
    if is_json and not _content_type(headers):
        headers["Content-Type"] = "application/json"
    first = client.api_url(fill_in(arguments.url, client, arguments.subscription))
    wanted = Scope(arguments.scope) if arguments.scope else first
    target = client.target(wanted) if client.authority.knows_services else None
    if target and target.warning and not arguments.tenants:
        output.message(target.warning)

    return (
        method,
        first,
        HiddenDict(
            scope=arguments.scope,
            origin=arguments.origin,
            headers=headers,
            body=body,
            timeout=arguments.timeout or None,
            retries=arguments.retries,
            max_wait=arguments.max_wait,
            retry_unsafe=arguments.retry_unsafe,
            params=_params(arguments.params, graph=bool(target and target.service and target.service.name == "graph")),
            follow_tenant=not arguments.tenant,
        ),
    )


def with_body(arguments: RequestArguments) -> RequestArguments:
    """Return the arguments of a request that is sent several times: its body is read now. Raises UsageError."""
    from mstoken.cli.options import RequestArguments

    method = _method(arguments.method)
    body = _given_body(method, arguments, _headers(arguments.headers))
    own = {"method": method, "body": body, "data": None, "fields": (), "raw_fields": ()}
    return RequestArguments(**{**vars(arguments), **own})


def _params(given: Iterable[str], *, graph: bool) -> dict[str, list[str]]:
    """Return the query parameters of `name=value` texts. Raises UsageError."""
    from mstoken.rest.addresses import odata_name

    found: dict[str, list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError("A query parameter has the form name=value.", "For example: --param 'filter=id eq 1'")
        found.setdefault(odata_name(name) if graph else name, []).append(value)
    return found


def _given_body(method: str, arguments: RequestArguments, headers: Mapping[str, str]) -> bytes:
    """Return the body of --data, or of --field and --raw-field. Raises UsageError."""
    if not arguments.fields and not arguments.raw_fields:
        return _body(arguments.data, headers) if arguments.body is None else arguments.body
    import json

    from mstoken.cli.request_fields import json_body

    if arguments.data is not None:
        raise UsageError("--data and --field exclude each other: a request has one body.", "Leave out one of them.")
    if method in {"GET", "HEAD"}:
        raise UsageError(f"Fields are a JSON body, which {method} has not.", "Use --param for the query, or POST.")
    return json.dumps(json_body(arguments.fields, arguments.raw_fields)).encode()


def save(content: bytes, name: str) -> None:
    """Write the file: whole, or not at all. Raises UsageError."""
    import os
    from pathlib import Path

    path = Path(name).expanduser()
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UsageError(f"{name!r} cannot be written: {error.strerror}.", "Check the path after --save.") from None


def _method(method: str) -> str:
    if not _METHOD_FORM.fullmatch(method):
        raise UsageError(f"{method!r} is not a method.", "The order is METHOD URL: mstoken request GET https://…")
    return method.upper()


def _headers(lines: Iterable[str]) -> dict[str, str]:
    """Parse `Name: value` texts; join the values of a repeated header with a comma (RFC 9110 section 5.3)."""
    headers: dict[str, str] = {}
    for text in lines:
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


def _content_type(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "")


def _body(data: str | None, headers: Mapping[str, str]) -> bytes:
    if data is None:
        return b""
    if data in {"-", "@-"}:
        return standard_input.read_bytes()
    refuse_slip_in_body(data)
    if not data.startswith("@"):
        if "json" in _content_type(headers).lower() or not _content_type(headers):
            refuse_slip_in_json(data, "The body", "Put it into a file (-d '@FILE'), or pipe it in (-d -).")
        return data.encode(errors="surrogateescape")
    from pathlib import Path

    try:
        return Path(data[1:]).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"{data[1:]!r} cannot be read: {error.strerror}.", "Check the path after @.") from None


def _json_or_bytes(body: bytes) -> tuple[bytes, bool]:
    """Return the body and whether it is JSON. JSON is sent as UTF-8 without a byte order mark (RFC 8259 section 8.1).

    Windows PowerShell writes files in UTF-16, and other programs UTF-8 with a mark. Any other body stays as it is.
    """
    import json

    encoding = json.detect_encoding(body)
    try:
        text = body.decode(encoding).removeprefix("\ufeff")
        json.loads(text)
    except (ValueError, RecursionError):
        return body, False
    return (body if encoding == "utf-8" else text.encode()), True

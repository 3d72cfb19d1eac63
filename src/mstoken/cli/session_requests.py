"""The requests that a session serves: get a token, call an API, and run any other command in this process.

Modules are imported by the first request that needs them: a cached token needs none of the client's.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import sys

from mstoken.cli import fast_path, get_arguments
from mstoken.cli.options import GetArguments, RequestArguments
from mstoken.errors import UsageError
from mstoken.hidden import HiddenText
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mstoken.cli.clients import Clients, Identity
    from mstoken.config.settings import Settings
    from mstoken.stores.token_file_reader import TokenFields

PREFIXES = (
    "AZURE_", "MSTOKEN_", "AZD_", "IDENTITY_", "IMDS_", "MSI_", "DEFAULT_IDENTITY_", "ACTIONS_", "SYSTEM_", "XDG_",
)  # fmt: skip
NAMES = (
    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PATH", "HOME", "USERPROFILE", "BROWSER",
    "DISPLAY", "WAYLAND_DISPLAY", "GITHUB_ACTIONS", "SSH_CONNECTION", "SSH_TTY", "DBUS_SESSION_BUS_ADDRESS",
)  # fmt: skip
"""The variables that mstoken reads, by prefix and by name. A request brings them; others stay as they are."""


class Requests:
    """Serves requests; keeps clients, and with them tokens and connections, for the next ones in the same folder.

    `sign` has the caller sign. `emit` sends it items of a collection and returns whether it wants the next page; its
    second argument says whether to ask.
    """

    def __init__(self, sign: Callable[[bytes, str], bytes], emit: Callable[[list[Any], bool], bool]) -> None:
        self._sign, self._emit = sign, emit
        self._made: Clients | None = None
        self._surroundings: object = None

    def serve(self, request: Mapping[str, Any]) -> object:
        """Return the result of a request. Raises MstokenError."""
        methods = {"get": self._get, "request": self._request, "run": self._run}
        method = methods.get(request.get("method", ""))
        if method is None:
            raise UsageError("The request names no known method.", f"One of {', '.join(methods)}.")
        self._enter(request)
        debug = bool(request.get("debug"))
        if not debug:
            return method(request)
        from mstoken import steps
        from mstoken.cli.error_handling import show_steps

        self._forget()  # a hit in memory would hide the steps
        show_steps()
        try:
            return method(request)
        finally:
            steps.print_no_more()

    @property
    def _clients(self) -> Clients:
        if self._made is None:
            from mstoken.cli.clients import Clients

            self._made = Clients()
        return self._made

    def _forget(self) -> None:
        if self._made is not None:
            self._made.clear()

    def _enter(self, request: Mapping[str, Any]) -> None:
        """Take over the caller's variables and folder. Raises UsageError."""
        environment, folder = request.get("environment"), request.get("folder")
        if environment is not None:
            _set_environment(environment)
        if isinstance(folder, str):
            try:
                os.chdir(folder)
            except OSError as error:
                raise UsageError(f"The folder {folder} cannot be entered: {error.strerror}.") from None
        surroundings = (environment, folder)
        if surroundings != self._surroundings:
            self._forget()
            self._surroundings = surroundings

    def _get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        arguments, fingerprint = _arguments(request), ""
        parsed = get_arguments.parse(arguments)
        if parsed is not None and not (request.get("debug") or request.get("certificate")):
            fingerprint = fast_path.fingerprint(["get", *arguments])
            found = fast_path.cached_token(parsed, fingerprint) if parsed.output == "token" else None
            if found is not None and found[1]:
                return _token_record(found[0], json.loads(found[1]))
        return self._fetch(parsed or _parsed_by_click(arguments), fingerprint, request)

    def _fetch(self, arguments: GetArguments, fingerprint: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Get the token with a client. Store which cached token answers the `fingerprint` next time."""
        from mstoken.cli.fast_path_alias import facts
        from mstoken.cli.get_token import check_arguments, fetch_token, save_alias_if_sure

        check_arguments(arguments)
        if arguments.output not in {"token", "json"}:
            raise UsageError("A session answers with JSON only.", "Leave out --output.")
        identity = self._identity(arguments.flags(), request)
        token, token_request, warning = fetch_token(identity.client, arguments)
        shown = warning or identity.settings.notes
        save_alias_if_sure(arguments, fingerprint, token_request, identity.stores, shown=shown)
        fields = (token.token, token.expires_on, token.token_type, token.refresh_on, token.scope, token.got_on)
        return _token_record(fields, facts(token_request))

    def _request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request to an API. Of a collection, `items` asks for "all" items, or those of the "first" page."""
        from mstoken.cli.api_requests import responses, selected_fields
        from mstoken.cli.request_lines import parse
        from mstoken.cli.request_output import selected_items

        document, wanted = request.get("request"), request.get("items")
        if not isinstance(document, dict) or wanted not in (None, "all", "first"):
            raise UsageError("The request cannot be read.", 'Write "request": {"url": "graph:/users"}, "items": "all".')
        arguments, found = parse(document, RequestArguments(every_page=wanted is not None)), dict[str, Any]()
        if wanted == "first" and arguments.max_pages:
            raise UsageError("The first page and max_pages exclude each other.", "Leave out one of them.")
        select = selected_items(arguments.query)
        for response, items in responses(self._identity(arguments.flags(), request).client, arguments):
            response.raise_for_status()
            found = {"status": response.status, "headers": dict(response.headers)}
            if arguments.save:
                break
            if items is None:
                found |= selected_fields(response, arguments.query)
            elif not self._emit(select(items), wanted == "all"):
                break
        return found

    def _identity(self, flags: Mapping[str, str], request: Mapping[str, Any]) -> Identity:
        """Return the client for identity options.

        With a `certificate` in the request (base64 of DER), the application proves its identity with it, and the caller
        signs.
        """
        certificate = request.get("certificate", "")
        if not certificate:
            return self._clients.get(flags)
        return self._clients.get(flags, str(certificate), lambda flags: self._signing(flags, certificate))

    def _signing(self, flags: Mapping[str, str], certificate: object) -> Settings:
        """Return the settings of an application whose key is the caller's. Raises UsageError."""
        from mstoken.config.layers import Layers
        from mstoken.credentials import ClientKey
        from mstoken.hidden import ENVIRON

        try:
            content = base64.b64decode(str(certificate), validate=True)
        except ValueError:
            raise UsageError(
                "The certificate is not base64.", "Send the certificate in DER, encoded in base64."
            ) from None
        return Layers.of(flags, ENVIRON).settings(ClientKey(self._sign, content))

    def _run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        import click

        from mstoken.cli import app

        arguments, commands = _arguments(request), app.COMMANDS.keys() - {"session", "completion"}
        serves = arguments[:1] == ["emulator"] and arguments[1:2] != ["env"]
        if not arguments or arguments[0] not in commands or serves:
            raise UsageError("A session does not run this command.", f"One of {', '.join(sorted(commands))}.")
        self._forget()  # the command may change what is stored
        printed = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True)
        try:
            with _standard_input(request), contextlib.redirect_stdout(printed):
                code = app.invoke(arguments)
        except click.ClickException as error:
            raise UsageError(*app.usage_problem(error)) from None
        content = printed.buffer
        assert isinstance(content, io.BytesIO)  # noqa: S101 - made above
        return {"output": content.getvalue().decode(errors="replace"), "exit_code": code}


@contextlib.contextmanager
def _standard_input(request: Mapping[str, Any]) -> Iterator[None]:
    """Let the request's field `stdin` be standard input."""
    content = HiddenText(request.get("stdin", "")).encode()
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(content), "utf-8")
    try:
        yield
    finally:
        sys.stdin = before


def _set_environment(environment: object) -> None:
    """Replace the variables that mstoken reads with the caller's. Raises UsageError."""
    if not isinstance(environment, dict) or not all(isinstance(one, str) for one in environment.values()):
        raise UsageError("The environment is not an object of texts.", 'Write "environment": {"AZURE_TENANT_ID": "…"}.')
    for name in [name for name in os.environ if _is_read(name) and name not in environment]:
        del os.environ[name]
    os.environ.update({name: text for name, text in environment.items() if os.environ.get(name) != text})


def _is_read(name: str) -> bool:
    return name in NAMES or name.startswith(PREFIXES)


def _arguments(request: Mapping[str, Any]) -> list[str]:
    """Return the words of a command line. Raises UsageError."""
    arguments = request.get("arguments", [])
    if not isinstance(arguments, list) or not all(isinstance(one, str) for one in arguments):
        raise UsageError("The arguments are not a list of texts.", 'Write "arguments": ["graph"].')
    return arguments


def _parsed_by_click(arguments: Sequence[str]) -> GetArguments:
    """Parse unusual arguments of `get`. Raises UsageError with click's message."""
    import click

    from mstoken.cli import app
    from mstoken.cli.get import get

    try:
        return GetArguments(**get.make_context("mstoken get", list(arguments)).params)
    except click.ClickException as error:
        raise UsageError(*app.usage_problem(error)) from None


def _token_record(fields: TokenFields, facts: Mapping[str, str]) -> dict[str, Any]:
    """Return the token for a program; `expires_on` is epoch seconds, UTC, and null means unknown.

    `facts` are those of the token's request (`fast_path_alias.facts`).
    """
    from mstoken.cli.inspection.token_names import client_id_of, tenant_of, user_of
    from mstoken.protocol.jwt import readable

    token, expires_on, token_type, refresh_on, scope, _ = fields
    decoded = readable(token)
    return {
        "token": token,
        "expires_on": expires_on,
        "token_type": token_type,
        "refresh_on": refresh_on,
        "scope": scope,
        "tenant": (decoded and tenant_of(decoded)) or facts["tenant"],
        "user": (decoded and (user_of(decoded) or client_id_of(decoded))) or facts["client_id"] or None,
        "client_id": facts["client_id"] or None,
        "account": facts["account"] or None,
        "claims": decoded and decoded.claims,
    }

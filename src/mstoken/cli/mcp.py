"""`mstoken mcp`: a bridge between an MCP client and a server that wants Entra ID's tokens."""

from __future__ import annotations

import threading

import click

from mstoken.cli import exit_codes
from mstoken.cli.command import command
from mstoken.cli.completion import complete_service
from mstoken.cli.identity import identity_options
from mstoken.cli.options import IdentityArguments
from mstoken.forks import call_lock
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from mstoken.errors import MstokenError
    from mstoken.integrations.mcp.bridge import Bridge

_POLL_IN = 0.5
_MAX_LINE = 256 * 1024 * 1024
_SCOPE_HELP = "The scope of the server's tokens, in place of what its metadata says; may be repeated."


@command(short_help="Connect an MCP client to a server that requires tokens.")
@click.argument("url")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", shell_complete=complete_service, help=_SCOPE_HELP)
@identity_options
def mcp(url: str, scopes: Sequence[str], **arguments: str) -> int:
    """Connect an MCP client to the server at URL, which takes Entra ID's tokens. The client starts this command.

    The client's messages go from standard input to the server (streamable HTTP), and its messages back. Each request
    has a valid token. The server names the scopes of its tokens in its metadata (RFC 9728). If nothing shows that a
    scope is the server's own, name it with --scope: a server could ask for another API's token.

    \b
      mstoken mcp https://mcp.contoso.com/mcp
      mstoken mcp https://mcp.contoso.com/mcp --scope api://contoso-tools/Mcp.Tools.ReadWrite --profile work
    """
    from mstoken.cli.serving import unbuffer_log
    from mstoken.cli.standard_streams import take_standard_streams
    from mstoken.cli.tool_client import tool_client
    from mstoken.integrations.mcp.access import Access
    from mstoken.integrations.mcp.bridge import Bridge
    from mstoken.integrations.mcp.http import Server
    from mstoken.urls import check_url

    check_url(url, "The URL of the server")
    requests, answers = take_standard_streams("The bridge")
    unbuffer_log()
    with tool_client(IdentityArguments(**arguments).flags()) as tool:
        access = Access(
            url, tool.client, tool.transport, _log, scopes=scopes, tenant_chosen=bool(arguments.get("tenant"))
        )
        lines = _Lines(answers)
        bridge = Bridge(Server(url, access, tool.transport), lines.write, _log, _described)
        try:
            _serve(bridge, requests, lines)
        finally:
            bridge.close()
    return exit_codes.DONE


class _Lines:
    """The lines to the client, from several threads. `stopped` is set when the command has to end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._lock = stream, call_lock()
        self.stopped = threading.Event()

    def write(self, line: bytes) -> None:
        """Send a line. If the client reads no more, the command ends."""
        try:
            with self._lock:
                self._stream.write(line + b"\n")
                self._stream.flush()
        except (OSError, ValueError):
            self.stopped.set()


def _serve(bridge: Bridge, requests: BinaryIO, lines: _Lines) -> None:
    """Pass lines on until the client has sent its last and has its answers, or a signal or a closed pipe ends this."""
    from mstoken.cli.signals import on_signals

    on_signals(("SIGINT", "SIGTERM", "SIGHUP"), lines.stopped.set)
    threading.Thread(target=_pass_on, args=(bridge, requests, lines), name="mstoken-mcp", daemon=True).start()
    while not lines.stopped.wait(_POLL_IN):  # a bounded wait, because Windows does not interrupt an unbounded one
        continue


def _pass_on(bridge: Bridge, requests: BinaryIO, lines: _Lines) -> None:
    try:
        while line := requests.readline(_MAX_LINE):
            if line.strip():
                bridge.handle(line.strip())
        bridge.wait()
    finally:
        lines.stopped.set()


def _described(error: MstokenError) -> tuple[str, dict[str, object]]:
    from mstoken.cli.error_handling import record_of
    from mstoken.integrations.serving.identities import sentence

    return sentence(error), record_of(error)


def _log(text: str) -> None:
    from mstoken.cli.serving import log

    log(f"mstoken: {text}")

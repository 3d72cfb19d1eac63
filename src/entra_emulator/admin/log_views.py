"""The dashboard's pages about past events: the request log and the issued tokens."""

import json
from html import escape

from entra_emulator.aadsts import definitions
from entra_emulator.clock import timestamp
from entra_emulator.control import Control
from entra_emulator.routing import LOCAL_NAMES
from entra_emulator.tokens.keys import Issued
from entra_emulator.world import LoggedRequest

from .layout import do, page, row, table
from .names import app_name, resource_name

_SHOWN = 200
_HEAD = ["Time", "Request", "Answer", "Client", "Grant", "IdentityRequest for"]


def requests(control: Control) -> str:
    """Return the page of the request log, newest first. A script updates it while its box is checked."""
    log = control.requests
    tools = (
        '<div class="toolbar"><span class="check"><input type="checkbox" id="live" checked>'
        '<label for="live">Live</label></span>'
        f'<span role="status" id="count">{log.total} requests</span>{do("requests/clear", "Clear")}</div>'
    )
    shown = table("Requests, newest first", _HEAD, [log_rows(control, log[-_SHOWN:])], body_id="log")
    return page("Requests", "requests", f"{tools}{shown}", script="/_admin/live.js")


def log_rows(control: Control, log: list[LoggedRequest]) -> str:
    """Return rows of the log, newest first."""
    return "".join(_log_row(control, logged) for logged in reversed(log))


def _log_row(control: Control, logged: LoggedRequest) -> str:
    host = "" if logged.host.startswith(LOCAL_NAMES) else logged.host
    return row(
        escape(timestamp(logged.at)[11:19]),
        f"{escape(logged.method)} {escape(host)}{escape(logged.path)}",
        _answer(logged),
        escape(app_name(control.state, logged.client_id) if logged.client_id else "-"),
        escape((logged.grant_type or "-").rpartition(":")[2]),
        f'<span class="long">{escape(logged.scope or "-")}</span>',
        refused=not 200 <= logged.status < 400,
    )


def _answer(logged: LoggedRequest) -> str:
    """Return status, code and injected faults."""
    code = f' <span title="{escape(_meaning(logged.aadsts))}">AADSTS{logged.aadsts}</span>' if logged.aadsts else ""
    ordered = f'<br><span class="soft">ordered: {escape("; ".join(logged.faults))}</span>' if logged.faults else ""
    return f"{logged.status or 'cut'}{code}{ordered}"


def _meaning(code: int) -> str:
    found = definitions().get(code)
    return found.text if found else ""


def tokens(control: Control) -> str:
    """Return the page of the latest issued tokens, decoded."""
    issued = control.issued
    shown = "".join(_token(token, control) for token in reversed(issued))
    body = f"<p>{len(issued)} tokens, newest first. Open one to see its claims; signatures are not kept.</p>{shown}"
    return page("Tokens", "tokens", body)


def _token(token: Issued, control: Control) -> str:
    claims, state = token.claims, control.state
    kind = "ID token" if "appid" not in claims and "azp" not in claims else "Access token"
    client = app_name(state, str(claims.get("appid") or claims.get("azp") or claims.get("aud")))
    principal = str(claims.get("unique_name") or claims.get("preferred_username") or client)
    minutes = (float(claims.get("exp", 0)) - control.clock.now()) / 60
    until = f"{minutes:.0f} minutes left" if minutes > 0 else "expired"
    title = f"{kind} {claims.get('ver', '')} for {resource_name(state, str(claims.get('aud')))}: {principal}, {until}"
    text = json.dumps({"header": token.header, "claims": claims}, indent=2, ensure_ascii=False)
    return f'<details><summary>{escape(title)}</summary><pre tabindex="0">{escape(text)}</pre></details>'

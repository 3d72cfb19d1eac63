"""The dashboard's pages about what happened: the request log and the tokens issued."""

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
_HEAD = ["Time", "Request", "Answer", "Client", "Grant", "Asked for"]


def requests(control: Control) -> str:
    """The request log, newest first, which a script keeps up to date while its box is ticked."""
    log = control.requests
    tools = (
        '<div class="toolbar"><span class="check"><input type="checkbox" id="live" checked>'
        '<label for="live">Live</label></span>'
        f'<span role="status" id="count">{log.total} requests</span>{do("requests/clear", "Clear")}</div>'
    )
    shown = table("Requests, newest first", _HEAD, [log_rows(control, log[-_SHOWN:])], body_id="log")
    return page("Requests", "requests", f"{tools}{shown}", script="/_admin/live.js")


def log_rows(control: Control, log: list[LoggedRequest]) -> str:
    """Rows of the log, newest first."""
    return "".join(_log_row(control, one) for one in reversed(log))


def _log_row(control: Control, one: LoggedRequest) -> str:
    host = "" if one.host.startswith(LOCAL_NAMES) else one.host
    return row(
        escape(timestamp(one.at)[11:19]),
        f"{escape(one.method)} {escape(host)}{escape(one.path)}",
        _answer(one),
        escape(app_name(control.state, one.client_id) if one.client_id else "-"),
        escape((one.grant_type or "-").rpartition(":")[2]),
        f'<span class="long">{escape(one.scope or "-")}</span>',
        refused=not 200 <= one.status < 400,
    )


def _answer(one: LoggedRequest) -> str:
    """Status, code, and what was done to it by order."""
    code = f' <span title="{escape(_meaning(one.aadsts))}">AADSTS{one.aadsts}</span>' if one.aadsts else ""
    ordered = f'<br><span class="soft">ordered: {escape("; ".join(one.faults))}</span>' if one.faults else ""
    return f"{one.status or 'cut'}{code}{ordered}"


def _meaning(code: int) -> str:
    found = definitions().get(code)
    return found.text if found else ""


def tokens(control: Control) -> str:
    """The last tokens issued, decoded."""
    issued = control.issued
    shown = "".join(_token(one, control) for one in reversed(issued))
    body = f"<p>{len(issued)} tokens, newest first. Open one to see its claims; signatures are not kept.</p>{shown}"
    return page("Tokens", "tokens", body)


def _token(one: Issued, control: Control) -> str:
    claims, state = one.claims, control.state
    kind = "ID token" if "appid" not in claims and "azp" not in claims else "Access token"
    client = app_name(state, str(claims.get("appid") or claims.get("azp") or claims.get("aud")))
    who = str(claims.get("unique_name") or claims.get("preferred_username") or client)
    left = (float(claims.get("exp", 0)) - control.clock.now()) / 60
    until = f"{left:.0f} minutes left" if left > 0 else "expired"
    title = f"{kind} {claims.get('ver', '')} for {resource_name(state, str(claims.get('aud')))}: {who}, {until}"
    text = json.dumps({"header": one.header, "claims": claims}, indent=2, ensure_ascii=False)
    return f'<details><summary>{escape(title)}</summary><pre tabindex="0">{escape(text)}</pre></details>'

"""The client of the commands that other tools start, and the names by which they know its user."""

from __future__ import annotations

from mstoken.cli.identity import open_stores, settings_for
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.integrations._tool_client import ToolClient
    from mstoken.model import Token


def tool_client(flags: Mapping[str, str]) -> ToolClient:
    """Return the client for a command's identity options. Raises UsageError."""
    from mstoken.integrations._tool_client import ToolClient

    settings = settings_for(flags)
    return ToolClient(settings, open_stores(settings.store), tenant_chosen=bool(flags.get("tenant")))


def principal_of(token: Token, client_id: str) -> str:
    """Return the user name or client ID that a token is for; `client_id` if only its service can read it."""
    from mstoken.cli.inspection.summary import summarize
    from mstoken.protocol.jwt import readable

    decoded = readable(token.token)
    summary = summarize(decoded) if decoded else None
    return (summary and (summary.user or summary.client_id)) or client_id or "mstoken"

"""The tenants that `--tenants` names: lines of a file or of standard input, or a partner's customers."""

from __future__ import annotations

import json

from mstoken.cli import output, standard_input
from mstoken.errors import UsageError
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.client import Client

ALL_CUSTOMERS = "all-customers"


def tenants_of(client: Client, source: str) -> dict[str, str]:
    """Return the tenants, each once and in their order, with a name if one is known.

    Raises UsageError for a list that cannot be read or names no tenant; for customers also what `Client.items` raises.
    """
    if source == ALL_CUSTOMERS:
        found = {customer.tenant: customer.name for customer in client.partner().customers()}
    else:
        found = _listed(source)
    if not found:
        where = "Graph lists no active relationship" if source == ALL_CUSTOMERS else "The list names no tenant"
        raise UsageError(f"{where}.", "Name a tenant on each line: its GUID or a domain.")
    return found


def _listed(source: str) -> dict[str, str]:
    from mstoken.texts import decode_text

    try:
        lines = decode_text(_read(source)).splitlines()
    except UnicodeDecodeError:
        raise UsageError("The list of tenants is not text.", "Write it in UTF-8 or UTF-16.") from None
    names = (_name(line, number) for number, line in enumerate(lines, 1))
    found: dict[str, str] = {}
    for tenant in filter(None, names):
        found.setdefault(tenant.lower(), "")
    return found


def _read(source: str) -> bytes:
    if source == "-":
        if standard_input.at_terminal():
            output.message("Type a tenant on each line. Ctrl-D ends the list.")
        return standard_input.read_bytes()
    from pathlib import Path

    try:
        return Path(source).expanduser().read_bytes()
    except OSError as error:
        raise UsageError(
            f"{source!r} cannot be read: {error.strerror}.",
            "--tenants takes a file, - for standard input, or all-customers.",
        ) from None


def _name(line: str, number: int) -> str:
    """Return the tenant in a line, '' for none: text, or the `tenant` of a JSON object such as an earlier result."""
    text = line.partition("#")[0].strip() if not line.lstrip().startswith("{") else line.strip()
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = {}
        tenant = document.get("tenant")
        text = tenant.strip() if isinstance(tenant, str) else ""
        if not text:
            raise UsageError(
                f"Line {number} of the list has no tenant.", 'Write the name, or {"tenant": "contoso.com"}.'
            )
    if len(text.split()) > 1:
        raise UsageError(
            f"Line {number} of the list is more than the name of a tenant: {shown(text, 60)!r}.",
            "Write a GUID or a domain on each line.",
        )
    return text

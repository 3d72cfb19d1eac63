"""Microsoft's own public clients by name, for people who have registered no application: public_clients.toml."""

from __future__ import annotations

import os

from mstoken.services.toml_subset import parse_tables
from mstoken.values import value


@value
class PublicClient:
    """One of them. `may` is what it may request without consent, `consent` one sentence on what happens beyond that."""

    name: str
    id: str
    title: str
    may: str
    consent: str


def public_clients() -> tuple[PublicClient, ...]:
    """Return all of them, in the order in which they are offered."""
    path = os.path.join(os.path.dirname(__file__), "public_clients.toml")  # noqa: PTH118,PTH120 - no pathlib here
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        tables = parse_tables(file.read())
    return tuple(
        PublicClient(name, *(str(table[key]) for key in ("id", "title", "may", "consent")))
        for name, table in tables.items()
    )


def client_id_of(text: str) -> str:
    """Return the client id for the name of one of them; any other text as it is."""
    return next((client.id for client in public_clients() if client.name == text.lower()), text) if text else ""

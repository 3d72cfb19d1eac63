"""Microsoft's own public clients by name, for people without an app registration. Data: public_clients.toml."""

from __future__ import annotations

import os

from mstoken.services.toml_subset import parse_tables
from mstoken.values import value


@value
class PublicClient:
    """A public client. `may` is what it can request without consent; `consent` says what happens for anything else."""

    name: str
    id: str
    title: str
    may: str
    consent: str


def public_clients() -> tuple[PublicClient, ...]:
    """Return all public clients, in the order in which they are offered."""
    path = os.path.join(os.path.dirname(__file__), "public_clients.toml")  # noqa: PTH118,PTH120 - no pathlib here
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        tables = parse_tables(file.read())
    return tuple(
        PublicClient(name, *(str(table[key]) for key in ("id", "title", "may", "consent")))
        for name, table in tables.items()
    )


def client_id_of(text: str) -> str:
    """Return the client id for the name of a public client; return any other text unchanged."""
    return next((client.id for client in public_clients() if client.name == text.lower()), text) if text else ""

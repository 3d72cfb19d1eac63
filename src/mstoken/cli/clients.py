"""Clients that serve several requests of one process: lines of `mstoken request --stdin`, requests of a session."""

from __future__ import annotations

import os

from mstoken.cli import fast_path, output
from mstoken.cli.identity import open_stores, settings_for
from mstoken.client import Client
from mstoken.stores.memory import BoundedDict
from mstoken.stores.user_folders import vault_folder
from mstoken.transports.blocking import HttpTransport
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mstoken.config.settings import Settings
    from mstoken.flows.store_port import Stores

MAX_CLIENTS = 1000
"""Clients that are kept, such as one for each of many tenants. A new one then replaces the oldest."""


@value
class Identity:
    """A client, the settings that it was made from, and its stores."""

    client: Client
    settings: Settings
    stores: Stores


class Clients:
    """Makes clients; keeps them, and with them tokens and connections, for the next requests.

    A client serves again only under the same variables, configuration and stored sign-ins. `show` gets its notes then.
    """

    def __init__(self, show: Callable[[str], None] = output.message) -> None:
        self._show = show
        self._clients: BoundedDict[str, Identity] = BoundedDict(MAX_CLIENTS)
        self._transport = _LastingTransport()

    def get(
        self,
        flags: Mapping[str, str],
        certificate: str = "",
        settings_of: Callable[[Mapping[str, str]], Settings] = settings_for,
    ) -> Identity:
        """Return the client for identity options: the previous one if nothing that determines it has changed.

        `settings_of` finds the settings for the options and the `certificate`. Raises UsageError.
        """
        mark = fast_path.fingerprint([*flags.values(), certificate, *_states_of_vault()])
        found = self._clients.get(mark) if mark else None
        if found is not None:
            for note in found.settings.notes:
                self._show(note)
            return found
        settings = settings_of(flags)
        stores = open_stores(settings.store)
        found = Identity(Client.from_settings(settings, stores, self._transport), settings, stores)
        if mark:
            self._clients.put(mark, found)
        return found

    def clear(self) -> None:
        """Drop the clients with their tokens, and close the connections."""
        self._clients.clear()
        self._transport.end()
        self._transport = _LastingTransport()


class _LastingTransport(HttpTransport):
    """Connections that outlive the client that opened them."""

    def close(self) -> None:
        """Keep the connections for the next request."""

    def end(self) -> None:
        super().close()


def _states_of_vault() -> list[str]:
    """Return texts that change when a stored sign-in does: after `mstoken logout` elsewhere, no token stays here."""
    states = []
    for name in ("vault.db", "vault.db-wal"):
        try:
            found = os.stat(f"{vault_folder()}/{name}")  # noqa: PTH116 - pathlib takes longer than the rest
        except OSError:
            continue
        states.append(f"{found.st_mtime_ns} {found.st_size} {found.st_ino}")
    return states

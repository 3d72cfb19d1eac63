"""Emulators that run on their own, and how another program of the same user finds them.

Each has a private folder; the one that is to be found leaves a note in it: its port and the environment it offers.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .folders import is_dead, left_here

NOTE = "running.json"


class NotFound(LookupError):
    """There is no emulator of this user to be found, or more than one."""


@dataclass(frozen=True)
class Running:
    """An emulator of this user. `environment` has the secrets of its made-up applications in it."""

    port: int
    environment: dict[str, str] = field(repr=False)


def announce(folder: Path, port: int, environment: Mapping[str, str]) -> None:
    """Leave the note that says where an emulator is. The folder is its user's alone."""
    text = json.dumps({"port": port, "environment": dict(environment)})
    (folder / NOTE).write_text(text, encoding="utf-8")


def find(port: int = 0) -> Running:
    """The running emulator, or the one at a port.

    :raises NotFound: there is none, or several and no port was given.
    """
    found = [one for one in _notes() if port in (0, one.port) and _listens(one.port)]
    if not found:
        where = f" on port {port}" if port else ""
        raise NotFound(f"No emulator of yours runs{where}. Start one in another terminal: mstoken emulator")
    if len(found) > 1:
        ports = ", ".join(str(one.port) for one in found)
        raise NotFound(f"Several emulators of yours run, on the ports {ports}. Say which with --port.")
    return found[0]


def _notes() -> Iterator[Running]:
    for folder in left_here():
        if is_dead(folder):
            continue  # another program may listen on its port by now
        try:
            with (folder / NOTE).open(encoding="utf-8") as file:
                if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                    continue  # somebody else's, whatever it says; a shell would do it
                table = json.load(file)
            yield Running(int(table["port"]), {str(name): str(value) for name, value in table["environment"].items()})
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue  # it ended while we looked


def _listens(port: int) -> bool:
    """Whether somebody listens on a port: it cannot be had then. Connecting would leave them half a TLS handshake."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":  # Windows would let us have a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False

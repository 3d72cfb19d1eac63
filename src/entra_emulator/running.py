"""Find emulators that run on their own, from another program of the same user.

Each has a private folder. An emulator that others may find writes its port and its environment to a file there.
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
    """No emulator of this user runs, or more than one."""


@dataclass(frozen=True)
class Running:
    """An emulator of this user. `environment` contains the secrets of its emulated applications."""

    port: int
    environment: dict[str, str] = field(repr=False)


def announce(folder: Path, port: int, environment: Mapping[str, str]) -> None:
    """Write the file by which others find an emulator. Only its user can read the folder."""
    text = json.dumps({"port": port, "environment": dict(environment)})
    (folder / NOTE).write_text(text, encoding="utf-8")


def find(port: int = 0) -> Running:
    """Return the running emulator, or the one at a port.

    :raises NotFound: none runs, or several run and no port is given.
    """
    found = [emulator for emulator in _notes() if port in (0, emulator.port) and _listens(emulator.port)]
    if not found:
        where = f" on port {port}" if port else ""
        raise NotFound(f"No emulator of yours runs{where}. Start one in another terminal: mstoken emulator")
    if len(found) > 1:
        ports = ", ".join(str(emulator.port) for emulator in found)
        raise NotFound(f"Several emulators of yours run, on the ports {ports}. Say which with --port.")
    return found[0]


def _notes() -> Iterator[Running]:
    for folder in left_here():
        if is_dead(folder):
            continue  # another program may listen on its port by now
        try:
            with (folder / NOTE).open(encoding="utf-8") as file:
                if hasattr(os, "getuid") and os.fstat(file.fileno()).st_uid != os.getuid():
                    continue  # another user's file, which must not be used: a shell would evaluate its content
                table = json.load(file)
            yield Running(int(table["port"]), {str(name): str(value) for name, value in table["environment"].items()})
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue  # it ended during the search


def _listens(port: int) -> bool:
    """Return whether the port is in use, by trying to bind it. Connecting would leave an unfinished TLS handshake."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":  # Windows would allow binding a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False

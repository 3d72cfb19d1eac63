"""Who has connected: the user whose process is at the other end.

A Unix socket names it (unix(7), SO_PEERCRED). For a connection on this machine, Linux lists both ends in /proc/net/tcp
with the user that owns each (proc_net_tcp of the kernel's documentation). Elsewhere nothing says it.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
import sys
from pathlib import Path

from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES = {4: ("/proc/net/tcp", "/proc/net/tcp6"), 6: ("/proc/net/tcp6",)}
_MAPPED = bytes(10) + b"\xff\xff"
"""The beginning of an IPv4 address among IPv6 ones (RFC 4291 section 2.5.5.2)."""


@value
class Peer:
    """The process at the other end: its user, and its own socket as the kernel numbers it (0 for a Unix socket)."""

    uid: int
    inode: int = 0


def can_name_tcp_peers() -> bool:
    """Return whether this system says whose process is at the other end of a TCP connection."""
    return os.access("/proc/net/tcp", os.R_OK)


def peer_of(connection: socket.socket) -> Peer | None:
    """Return who is at the other end; None if the system does not say, or it is not on this machine."""
    if connection.family in (socket.AF_INET, socket.AF_INET6):
        return _tcp_peer(connection)
    if hasattr(socket, "SO_PEERCRED"):
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return Peer(uid)
    if sys.platform == "darwin":  # unix(4): LOCAL_PEERCRED of SOL_LOCAL; an xucred is a version, the user, and groups
        _, uid = struct.unpack_from("2I", connection.getsockopt(0, 1, 76))
        return Peer(uid)
    return None


def is_admitted(peer: Peer | None) -> bool:
    """Return whether this is a process of our user, or of root, who can read the user's files anyway.

    A process never asks itself: it would wait for its own answer for ever.
    """
    return peer is not None and peer.uid in {os.geteuid(), 0} and not (peer.inode and _is_ours(peer.inode))


def _tcp_peer(connection: socket.socket) -> Peer | None:
    version = 6 if connection.family == socket.AF_INET6 else 4
    theirs, ours = connection.getpeername(), connection.getsockname()
    for table in _TABLES[version]:
        wanted = tuple(_spelled(one[0], one[1], 6 if table.endswith("6") else 4) for one in (theirs, ours))
        for local, remote, uid, inode in _entries(table):
            if (local, remote) == wanted and inode:  # a socket that nobody holds any more has no number
                return Peer(uid, inode)
    return None


def _spelled(address: str, port: int, version: int) -> str:
    """Return an address as the tables have it: words of 32 bits, in hexadecimal, in this machine's byte order."""
    packed = ipaddress.ip_address(address.partition("%")[0]).packed
    if version == 6 and len(packed) == 4:
        packed = _MAPPED + packed
    words = (int.from_bytes(packed[at : at + 4], sys.byteorder) for at in range(0, len(packed), 4))
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"


def _entries(table: str) -> Iterator[tuple[str, str, int, int]]:
    """Yield local address, remote address, user and inode of each connection."""
    try:
        lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        words = line.split()
        if len(words) > 9:
            yield words[1], words[2], int(words[7]), int(words[9])


def _is_ours(inode: int) -> bool:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names only
        try:
            if os.readlink(f"/proc/self/fd/{name}") == f"socket:[{inode}]":  # noqa: PTH115
                return True
        except OSError:
            continue
    return False

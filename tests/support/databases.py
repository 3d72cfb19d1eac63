"""Database servers that take the emulator's tokens only.

PostgreSQL is the real server: it sends the password to a directory (LDAP), as its documentation has it, and this
directory checks the token. The MySQL server is ours: it speaks as much of MySQL's protocol as a log-on with TLS needs.
"""

from __future__ import annotations

import os
import shutil
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.mail_servers import free_ports
from tests.support.named_hosts import NamedHosts, certificate_for, server_context
from tests.support.programs import require

from entra_emulator import Emulator

HOST = "db.test"
RESOURCE = "https://ossrdbms-aad.database.windows.net"
Check = Callable[[str, str], bool]


class TokenCheck(NamedHosts):
    """Says whether a token is one for a principal: a user's name, or an application's in `principals` (object ID).

    `seen` are the tokens that were accepted, in order.
    """

    def __init__(self, entra: Emulator, folder: Path, resource: str = RESOURCE) -> None:
        super().__init__(entra, folder, resource, HOST)
        self.principals: dict[str, str] = {}
        self.seen: list[str] = []

    def __call__(self, name: str, token: str) -> bool:
        claims = self.accepted_claims(token)
        if claims is None or claims["exp"] <= self._entra.clock.now():
            return False
        known = claims["upn"] if "scp" in claims else self.principals.get(claims["oid"], "")
        if known == name:
            self.seen.append(token)
        return bool(known) and known == name


def authority_of(folder: Path) -> Path:
    """Write the authority of the servers' certificate, and return the file."""
    authority = certificate_for((HOST,)).authority
    assert authority is not None
    path = folder / "database-authority.pem"
    path.write_bytes(authority.public_bytes(Encoding.PEM))
    return path


def context_for(folder: Path) -> ssl.SSLContext:
    """Return a context that trusts the servers, and verifies names."""
    return ssl.create_default_context(cafile=str(authority_of(folder)))


def _element(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Return tag and content of a BER element at `at`, and where the next one begins (X.690 section 8.1)."""
    tag, size, start = data[at], data[at + 1], at + 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[at + 2 : start])
    return tag, data[start : start + size], start + size


class _Bind(socketserver.StreamRequestHandler):
    """Answers one BindRequest (RFC 4511 section 4.2): the name is `cn=USER`, the simple password a token."""

    server: Directory

    def handle(self) -> None:
        data = b""
        while chunk := self.request.recv(65536):
            data += chunk
            if len(data) > 6 and len(data) >= _element(data, 0)[2]:
                break
        else:
            return
        _, message, _ = _element(data, 0)
        _, number, after = _element(message, 0)
        _, bind, _ = _element(message, after)
        _, _, after = _element(bind, 0)
        _, name, after = _element(bind, after)
        _, password, _ = _element(bind, after)
        accepted = self.server.check(name.decode().removeprefix("cn="), password.decode())
        result = b"\x61\x07\x0a\x01" + (b"\x00" if accepted else b"\x31") + b"\x04\x00\x04\x00"
        body = b"\x02" + bytes([len(number)]) + number + result
        self.request.sendall(b"\x30" + bytes([len(body)]) + body)
        self.request.recv(65536)  # the UnbindRequest, or the end


class Directory(socketserver.ThreadingTCPServer):
    """The directory that PostgreSQL asks. `check` says whether a password is the user's."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Bind)
        self.check: Check = lambda _name, _token: False
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(60)


def _binaries() -> Path:
    """Return the folder of PostgreSQL's programs; Debian keeps those of the server out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        require("initdb")
    return found[-1].parent if found else Path(shutil.which("initdb") or "").parent


class Postgres:
    """A real PostgreSQL with TLS, in a folder of its own. Its `directory` checks the passwords of every connection."""

    def __init__(self) -> None:
        self._bin = _binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="mstoken-postgres-"))
        self._user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL does not run as root
        self.directory = Directory()
        if self._user:
            shutil.chown(self.folder, self._user)
        data = self.folder / "data"
        self._run("initdb", "-D", str(data), "-A", "trust", "-U", "owner", "--no-sync", "--no-locale", "-E", "UTF8")
        server_context((HOST,), self.folder)
        key = data / "server.pem"
        shutil.copyfile(self.folder / "server.pem", key)
        key.chmod(0o600)
        if self._user:
            shutil.chown(key, self._user)
        port = self.directory.server_address[1]
        (data / "pg_hba.conf").write_text(
            "local all owner trust\n"
            f'hostssl all all 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport={port} ldapprefix="cn=" ldapsuffix=""\n'
        )
        for attempt in range(5):
            self.port = free_ports("postgres")["postgres"]
            self._process = self._start(data)
            if self._ready() or attempt == 4:
                break

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [self._bin / program, *arguments],
            user=self._user,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _start(self, data: Path) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "port": str(self.port),
            "ssl": "on",
            "ssl_cert_file": "server.pem",
            "ssl_key_file": "server.pem",
            "fsync": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._bin / "postgres", "-D", str(data), *options],
                user=self._user,
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def _ready(self) -> bool:
        """Wait until it answers; False if it ended, as when another process took the port."""
        while self._process.poll() is None:
            ready = subprocess.run(
                [self._bin / "pg_isready", "-q", "-h", str(self.folder), "-p", str(self.port), "-U", "owner"],
                check=False,
            )
            if ready.returncode == 0:
                return True
            time.sleep(0.05)
        return False

    def create_role(self, name: str) -> None:
        """Create a role that may connect, named as the principal, unless there is one."""
        sql = f"""DO $$ BEGIN CREATE ROLE "{name}" LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"""
        self._run("psql", "-q", "-h", str(self.folder), "-p", str(self.port), "-U", "owner", "-c", sql, "postgres")

    def close(self) -> None:
        """Stop the server, and delete its folder."""
        self._process.send_signal(3)  # SIGQUIT: at once
        self._process.wait(60)
        self.directory.close()
        shutil.rmtree(self.folder, ignore_errors=True)


_OK = b"\x00\x00\x00\x02\x00\x00\x00"
_END = b"\xfe\x00\x00\x02\x00"
_CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x800 | 0x2000 | 0x8000 | 0x80000  # SSL and PLUGIN_AUTH among them
_NONCE = b"12345678"


class _MySqlSession(socketserver.BaseRequestHandler):
    """One connection: TLS, the request for a clear password, and the row 1 for every query.

    Source: dev.mysql.com/doc/dev/mysql-server/latest, Protocol::HandshakeV10, SSLRequest, AuthSwitchRequest.
    """

    server: MySql

    def handle(self) -> None:
        self._socket = self.request
        low, high = _CAPABILITIES.to_bytes(4, "little")[:2], _CAPABILITIES.to_bytes(4, "little")[2:]
        self._send(
            0,
            b"\x0a8.0.36\x00" + bytes(4) + _NONCE + b"\x00" + low + b"\x2d\x02\x00" + high + b"\x15" + bytes(10)
            + b"123456789012\x00mysql_native_password\x00",
        )  # fmt: skip
        _, request = self._receive()
        if not request or len(request) > 32:  # longer than an SSLRequest: the client would log on without TLS
            return
        with self.server.context.wrap_socket(self.request, server_side=True) as self._socket:
            self._log_on()

    def _log_on(self) -> None:
        number, response = self._receive()
        name = response[32:].partition(b"\x00")[0].decode()
        self._send(number + 1, b"\xfemysql_clear_password\x00")
        number, password = self._receive()
        if not self.server.check(name, password.rstrip(b"\x00").decode()):
            self._send(number + 1, b"\xff\x15\x04#28000Access denied")
            return
        self._send(number + 1, _OK)
        self._answer_commands()

    def _answer_commands(self) -> None:
        while (command := self._receive()[1]) and command[:1] != b"\x01":
            if not command[1:].upper().startswith(b"SELECT"):
                self._send(1, _OK)
                continue
            column = b"\x03def\x00\x00\x00\x011\x00\x0c\x3f\x00\x01\x00\x00\x00\x08\x00\x00\x00\x00\x00"
            for number, packet in enumerate((b"\x01", column, _END, b"\x011", _END), 1):
                self._send(number, packet)

    def _send(self, number: int, packet: bytes) -> None:
        self._socket.sendall(len(packet).to_bytes(3, "little") + bytes([number]) + packet)

    def _receive(self) -> tuple[int, bytes]:
        head = self._exactly(4)
        return (head[3], self._exactly(int.from_bytes(head[:3], "little"))) if head else (0, b"")

    def _exactly(self, size: int) -> bytes:
        """Return so many bytes, and no byte of what follows: that may be the beginning of TLS."""
        data = b""
        while len(data) < size and (chunk := self._socket.recv(size - len(data))):
            data += chunk
        return data if len(data) == size else b""


class MySql(socketserver.ThreadingTCPServer):
    """A server of MySQL's protocol with TLS, which asks each client for its password in clear text."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, check: Check, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _MySqlSession)
        self.check, self.context, self.port = check, server_context((HOST,), folder), self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(60)

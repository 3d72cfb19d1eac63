"""Mail servers that take only the emulator's tokens, with TLS: dovecot for IMAP and POP, aiosmtpd for SMTP.

Both ask one server, as Exchange Online would ask Entra, whose mailbox a token opens: it checks the token's signature,
audience and permission. A person's token opens the person's mailbox; an application's, those in `mailboxes`.
"""

from __future__ import annotations

import asyncio
import base64
import getpass
import json
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections import defaultdict
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from tests.support.loop_thread import LoopThread
from tests.support.named_hosts import NamedHosts, certificate_for, server_context
from tests.support.token_service import RecordedRequest, Reply

from entra_emulator import Emulator
from entra_emulator.model import Grant

HOST = "exchange.test"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
DELEGATED = {"smtp": "SMTP.Send", "imap": "IMAP.AccessAsUser.All", "pop": "POP.AccessAsUser.All"}
APPLICATION = {"smtp": "SMTP.SendAsApp", "imap": "IMAP.AccessAsApp", "pop": "POP.AccessAsApp"}
DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"


def grant_mail(entra: Emulator, app: str) -> None:
    """Consent to every permission for mail, a person's and an application's."""
    grant = Grant(app, EXCHANGE, scopes=[*DELEGATED.values()], roles=[*APPLICATION.values()])
    if grant not in entra.state.default_tenant.grants:
        entra.state.default_tenant.grants.append(grant)


class Exchange(NamedHosts):
    """Answers whose mailbox a token opens, at `/smtp`, `/imap` and `/pop`. `opened` are (protocol, mailbox)."""

    def __init__(self, entra: Emulator, folder: Path) -> None:
        super().__init__(entra, folder, EXCHANGE, HOST)
        self.mailboxes: dict[str, str] = {}
        self.opened: list[tuple[str, str]] = []

    def audiences(self) -> set[str]:
        """Of a person's tokens and of an application's."""
        return {"https://outlook.office.com", "https://outlook.office365.com"}

    def mailbox(self, protocol: str, claims: dict[str, Any]) -> str:
        """Return the mailbox that a token opens by `protocol`; '' if it opens none."""
        if "scp" in claims:
            return str(claims["upn"]) if DELEGATED[protocol] in claims["scp"].split(" ") else ""
        granted = APPLICATION[protocol] in claims.get("roles", ())
        return self.mailboxes.get(claims["oid"], "") if granted else ""

    def answer(self, request: RecordedRequest) -> Reply:
        """Answer dovecot's introspection (doc.dovecot.org/configuration_manual/authentication/oauth2)."""
        _, claims = self.accepted[-1]
        protocol = request.path.strip("/")
        mailbox = self.mailbox(protocol, claims)
        if mailbox:
            self.opened.append((protocol, mailbox))
        return Reply(200, {"active": bool(mailbox), "username": mailbox})

    def authority(self) -> Path:
        """Return a file with the authority of the certificate of the mail servers."""
        self.environment()
        return self._folder / "authorities.pem"


_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
auth_failure_delay = 0
protocols = imap pop3
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
auth_mechanisms = xoauth2 oauthbearer
mail_location = maildir:{folder}/mail/%u
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = create
  }}
}}
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
first_valid_uid = 1
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}}
protocol imap {{
  passdb {{
    driver = oauth2
    mechanisms = xoauth2 oauthbearer
    args = {folder}/imap.conf
  }}
}}
protocol pop3 {{
  passdb {{
    driver = oauth2
    mechanisms = xoauth2 oauthbearer
    args = {folder}/pop.conf
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop}
  }}
  inet_listener pop3s {{
    port = {pops}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""
_INTROSPECTION = """
introspection_mode = auth
introspection_url = https://127.0.0.1:{port}/{protocol}
tls_ca_cert_file = {authority}
username_attribute = username
active_attribute = active
active_value = true
force_introspection = yes
"""


class Dovecot:
    """A real dovecot, of this user, in a folder of its own. `ports` has those of imap, imaps, pop and pops."""

    def __init__(self, exchange: Exchange) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.folder.chmod(0o755)  # as root, dovecot's processes are other users
        self._exchange = exchange
        for attempt in range(5):
            self.ports = free_ports("imap", "imaps", "pop", "pops")
            self._process = self._start()
            if self._listening() or attempt == 4:
                return
            self.close(keep=True)

    def _start(self) -> subprocess.Popen[bytes]:
        root = os.geteuid() == 0
        user = "mail" if root else getpass.getuser()
        entry = pwd.getpwnam(user)
        (self.folder / "mail").mkdir(exist_ok=True)
        if root:
            os.chown(self.folder / "mail", entry.pw_uid, entry.pw_gid)
        server_context((HOST,), self.folder)
        authority = self.folder / "authority.pem"
        shutil.copyfile(self._exchange.authority(), authority)
        for protocol in ("imap", "pop"):
            text = _INTROSPECTION.format(port=self._exchange.port, protocol=protocol, authority=authority)
            (self.folder / f"{protocol}.conf").write_text(text)
        config = self.folder / "dovecot.conf"
        values = {
            "folder": self.folder,
            "user": entry.pw_uid,
            "group": entry.pw_gid,
            "internal": "dovecot" if root else user,
            "internal_group": "dovecot" if root else str(entry.pw_gid),
            "login": "dovenull" if root else user,
        }
        config.write_text(_CONFIG.format(**values, **self.ports))
        return subprocess.Popen([DOVECOT, "-F", "-c", str(config)], stderr=subprocess.PIPE)

    def _listening(self) -> bool:
        """Wait until every port answers; False if dovecot ended, as when another process took a port."""
        for port in self.ports.values():
            while self._process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=10).close()
                    break
                except OSError:
                    time.sleep(0.05)
        return self._process.poll() is None

    def log(self) -> str:
        """Return what dovecot logged."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def put_message(self, mailbox: str, text: str) -> None:
        """Put a message into a mailbox, as the delivery agent does: a file in the maildir's `new`."""
        home = self.folder / "mail" / mailbox
        for name in ("cur", "new", "tmp"):
            (home / name).mkdir(parents=True, exist_ok=True)
        (home / "new" / f"{time.time_ns()}.1.test").write_text(text)
        owner = (self.folder / "mail").stat()
        for path in (home, *home.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)

    def messages(self, mailbox: str, folder: str = "") -> list[Message]:
        """Return the messages of a folder of a mailbox."""
        home = self.folder / "mail" / mailbox / (f".{folder}" if folder else "")
        return [message_from_bytes(path.read_bytes()) for name in ("cur", "new") for path in (home / name).glob("*")]

    def close(self, *, keep: bool = False) -> None:
        """Stop dovecot and all its processes."""
        self._process.terminate()
        self._process.communicate(timeout=60)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def free_ports(*names: str) -> dict[str, int]:
    """Return ports that are free now. Another process may take one, and dovecot then does not start."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    ports = {name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}
    for one in sockets:
        one.close()
    return ports


class _Smtp(SMTP):
    """aiosmtpd with the line length of RFC 4954 section 4 for AUTH; by default its lines are too short for a token."""

    command_size_limits = defaultdict(lambda: 12288)  # noqa: RUF012 - aiosmtpd's own is the class's too
    line_length_limit = 12288


class SmtpServer:
    """A real SMTP server with STARTTLS that takes mail only after XOAUTH2 or OAUTHBEARER. `received` are envelopes."""

    def __init__(self, exchange: Exchange, folder: Path) -> None:
        self.received: list[Envelope] = []
        self._exchange, self._context = exchange, server_context((HOST,), folder)
        self._thread = LoopThread()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._thread.run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.stop(self._server.close)

    async def _listen(self) -> asyncio.Server:
        def protocol() -> SMTP:
            return _Smtp(
                self,
                hostname=HOST,
                tls_context=self._context,
                require_starttls=True,
                auth_required=True,
                auth_exclude_mechanism=["LOGIN", "PLAIN"],
                loop=self._thread.loop,
            )

        return await self._thread.loop.create_server(protocol, "127.0.0.1", 0)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002 - aiosmtpd's signature
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        """Keep a message."""
        self.received.append(envelope)
        return "250 OK"

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        """XOAUTH2 with or without an initial response."""
        return await self._authenticate(server, args, lambda fields: fields[0].removeprefix("user="))

    async def auth_OAUTHBEARER(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        """OAUTHBEARER: the user is in the header `n,a=USER,`."""
        return await self._authenticate(server, args, lambda fields: fields[0].removeprefix("n,a=").rstrip(","))

    async def _authenticate(self, server: SMTP, args: list[str], user_of: Any) -> AuthResult:
        given = base64.b64decode(args[1]) if len(args) > 1 else await server.challenge_auth("")
        if not isinstance(given, bytes):
            return AuthResult(success=False, handled=True)
        fields = given.decode().split("\x01")
        token = next((field.removeprefix("auth=Bearer ") for field in fields if field.startswith("auth=Bearer ")), "")
        claims = await self._thread.loop.run_in_executor(None, self._exchange.accepted_claims, token)
        mailbox = self._exchange.mailbox("smtp", claims) if claims else ""
        if not mailbox or mailbox != user_of(fields):
            await server.challenge_auth(json.dumps({"status": "401", "schemes": "bearer"}))
            return AuthResult(success=False, handled=False, message="535 5.7.3 Authentication unsuccessful")
        self._exchange.opened.append(("smtp", mailbox))
        return AuthResult(success=True)


def trusting(exchange: Exchange) -> ssl.SSLContext:
    """Return a context that trusts the mail servers' authority, and verifies names."""
    return ssl.create_default_context(cafile=str(exchange.authority()))


def authority_file(folder: Path) -> Path:
    """Write the authority of the mail servers' certificate, and return the file."""
    from cryptography.hazmat.primitives.serialization import Encoding

    authority = certificate_for((HOST,)).authority
    assert authority is not None
    path = folder / "mail-authority.pem"
    path.write_bytes(authority.public_bytes(Encoding.PEM))
    return path

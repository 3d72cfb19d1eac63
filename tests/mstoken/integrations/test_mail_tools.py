"""Real mail programs with the set-up of docs/mail.md, and servers that take only the emulator's tokens."""

from __future__ import annotations

import re
import subprocess
from email import message_from_bytes
from pathlib import Path

import pytest
from tests.support.at_entra import NADIA
from tests.support.mail_servers import Dovecot, Exchange, SmtpServer, authority_file, grant_mail
from tests.support.program import Program
from tests.support.programs import require

from entra_emulator import Emulator

PAGE = Path(__file__).parents[3] / "docs" / "mail.md"
SHARED = "shared@contoso.com"
MESSAGE = "From: a@example.com\nTo: you@example.com\nSubject: {subject}\n\nA message.\n"


def written(program: Program, name: str, changes: dict[str, str]) -> Path:
    """Write a configuration file as docs/mail.md has it, except for our server, mailbox and authority."""
    [text] = re.findall(rf"^```text\n# ~/{re.escape(name)}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    for old, new in changes.items():
        assert old in text, f"docs/mail.md has no {old!r} in {name}"
        text = text.replace(old, new)
    path = program.folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def run(program: Program, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program in the home of `program`, without a terminal."""
    require(command[0])
    return subprocess.run(
        command,
        input=stdin,
        env=program.environment,
        cwd=program.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def write_msmtprc(program: Program, server: SmtpServer, mailbox: str = NADIA, **changes: str) -> None:
    authority = authority_file(program.folder)
    written(
        program,
        ".msmtprc",
        {
            "smtp.office365.com": "localhost",
            "port 587": f"port {server.port}",
            "tls_starttls on": f"tls_starttls on\ntls_trust_file {authority}",
            "you@contoso.com": mailbox,
        }
        | changes,
    )


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_msmtp_sends(person: Program, smtp_server: SmtpServer, exchange: Exchange, mechanism: str) -> None:
    """With both mechanisms, for the person who has signed in."""
    write_msmtprc(person, smtp_server, xoauth2=mechanism)
    done = run(person, "msmtp", "you@example.com", stdin=MESSAGE.format(subject="from msmtp"))
    assert done.returncode == 0, done.stderr
    [envelope] = smtp_server.received
    assert (envelope.mail_from, envelope.rcpt_tos) == (NADIA, ["you@example.com"])
    assert exchange.opened == [("smtp", NADIA)]


def test_msmtp_sends_as_an_application(
    at_entra: Program, entra: Emulator, smtp_server: SmtpServer, exchange: Exchange
) -> None:
    """From the mailbox that an administrator gave it, and from no other."""
    app = entra.state.default_app
    grant_mail(entra, app.id)
    principal = next(one for one in entra.state.default_tenant.principals if one.app == app.id)
    exchange.mailboxes[principal.id] = SHARED
    for mailbox, code in ((SHARED, 0), ("other@contoso.com", 77)):
        write_msmtprc(at_entra, smtp_server, mailbox)
        done = run(at_entra, "msmtp", "you@example.com", stdin=MESSAGE.format(subject="from an application"))
        assert done.returncode == code, done.stderr
    assert [envelope.mail_from for envelope in smtp_server.received] == [SHARED]


def test_msmtp_shows_that_a_person_must_sign_in(person: Program, entra: Emulator, smtp_server: SmtpServer) -> None:
    """Nothing is sent; the message is in msmtp's output."""
    write_msmtprc(person, smtp_server)
    entra.revoke(NADIA)
    done = run(person, "msmtp", "you@example.com", stdin=MESSAGE.format(subject="never"))
    assert done.returncode != 0
    assert "mstoken login" in done.stderr
    assert smtp_server.received == []


def test_git_send_email_sends_through_msmtp(person: Program, smtp_server: SmtpServer) -> None:
    """The patch of a commit arrives."""
    require("/usr/lib/git-core/git-send-email")
    write_msmtprc(person, smtp_server)
    (person.folder / "README").write_text("hello\n")
    for arguments in (
        ["init", "--quiet"],
        ["config", "user.name", "Nadia"],
        ["config", "user.email", NADIA],
        ["config", "--global", "sendemail.sendmailCmd", "msmtp"],  # the line of docs/mail.md
        ["add", "README"],
        ["commit", "--quiet", "--message", "Say hello"],
        ["send-email", "--to=you@example.com", "--confirm=never", "--suppress-cc=all", "-1"],
    ):
        done = run(person, "git", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "git config --global sendemail.sendmailCmd msmtp" in PAGE.read_text()
    [envelope] = smtp_server.received
    assert isinstance(envelope.content, bytes)
    assert message_from_bytes(envelope.content)["Subject"] == "[PATCH] Say hello"


def test_mutt_sends_and_keeps_a_copy(
    person: Program, entra: Emulator, smtp_server: SmtpServer, dovecot: Dovecot, exchange: Exchange
) -> None:
    """By SMTP, and by IMAP for the copy; one token request for each of them, however often it runs."""
    authority = authority_file(person.folder)
    path = written(
        person,
        ".muttrc",
        {
            "smtp.office365.com:587": f"localhost:{smtp_server.port}",
            "outlook.office365.com:993": f"localhost:{dovecot.ports['imaps']}",
            "you@contoso.com": NADIA,
            "set ssl_force_tls = yes": f"set ssl_force_tls = yes\nset ssl_ca_certificates_file = {authority}\n"
            f"set certificate_file = {authority}",
        },
    )
    before = len(entra.token_requests)
    for _ in range(2):
        done = run(person, "mutt", "-n", "-F", str(path), "-s", "from mutt", "you@example.com", stdin="A message.\n")
        assert done.returncode == 0, done.stderr
    assert [envelope.rcpt_tos for envelope in smtp_server.received] == [["you@example.com"]] * 2
    assert [message["Subject"] for message in dovecot.messages(NADIA, "Sent")] == ["from mutt"] * 2
    assert set(exchange.opened) == {("smtp", NADIA), ("imap", NADIA)}
    assert len(entra.token_requests) == before + 2


def test_mbsync_fetches(person: Program, dovecot: Dovecot, exchange: Exchange) -> None:
    """The inbox of the person who has signed in, into a maildir."""
    authority = authority_file(person.folder)
    path = written(
        person,
        ".mbsyncrc",
        {
            "outlook.office365.com": "localhost",
            "Port 993": f"Port {dovecot.ports['imaps']}",
            "SSLType IMAPS": f"SSLType IMAPS\nCertificateFile {authority}",
            "you@contoso.com": NADIA,
        },
    )
    (person.folder / "Mail").mkdir()
    dovecot.put_message(NADIA, MESSAGE.format(subject="to be fetched"))
    done = run(person, "mbsync", "--config", str(path), "--all")
    assert done.returncode == 0, done.stderr
    [fetched] = [one for one in (person.folder / "Mail" / "INBOX").glob("*/*") if one.parent.name in {"cur", "new"}]
    assert message_from_bytes(fetched.read_bytes())["Subject"] == "to be fetched"
    assert ("imap", NADIA) in exchange.opened

"""`mstoken mail-token`, and Python's own mail clients with servers that take only the emulator's tokens."""

from __future__ import annotations

import base64
import contextlib
import imaplib
import poplib
import smtplib
import ssl
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.at_entra import NADIA, VISUAL_STUDIO, sign_in
from tests.support.mail_servers import Dovecot, Exchange, SmtpServer, grant_mail, trusting
from tests.support.program import Program, one_token
from tests.support.runners import Runner

from entra_emulator import Emulator
from mstoken import ApiRefused, Client, RefreshToken, UntrustedOrigin, UsageError
from mstoken.credentials import Chain, ChainLink, ClientSecret
from mstoken.integrations import mail
from mstoken.protocol.jwt import decode

SHARED = "shared@contoso.com"
PERMISSIONS = {"smtp": "SMTP.Send", "imap": "IMAP.AccessAsUser.All", "pop": "POP.AccessAsUser.All"}
MESSAGE = "From: a@example.com\nTo: shared@contoso.com\nSubject: hello\n\nA message.\n"


@pytest.fixture(autouse=True)
def _this_process_trusts_the_emulator(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in entra.environment().items():
        monkeypatch.setenv(name, value)


def application(entra: Emulator, exchange: Exchange | None = None) -> Client:
    """A client of the default application, which `exchange` gives the shared mailbox."""
    app = entra.state.default_app
    grant_mail(entra, app.id)
    if exchange is not None:
        principal = next(one for one in entra.state.default_tenant.principals if one.app == app.id)
        exchange.mailboxes[principal.id] = SHARED
    return Client.from_env()


def of_person(entra: Emulator) -> Client:
    """A client of somebody who has signed in."""
    grant_mail(entra, VISUAL_STUDIO)
    tenant, authority = entra.state.default_tenant.id, entra.environment()["AZURE_AUTHORITY_HOST"]
    return Client(tenant, VISUAL_STUDIO, RefreshToken(entra.sign_in(NADIA, VISUAL_STUDIO)), authority=authority)


def token_claims(token: str) -> dict[str, Any]:
    return dict(decode(token).claims)


@pytest.mark.parametrize("protocol", mail.PROTOCOLS)
def test_a_persons_token_is_for_one_protocol(person: Program, entra: Emulator, protocol: str) -> None:
    """With the permission of Exchange's documentation; the second one is cached."""
    token = one_token(person("mail-token", protocol))
    claims = token_claims(token)
    assert claims["aud"] == "https://outlook.office.com"
    assert PERMISSIONS[protocol] in claims["scp"].split(" ")
    before = len(entra.requests)
    assert one_token(person("mail-token", protocol)) == token
    assert len(entra.requests) == before


@pytest.mark.parametrize("protocol", mail.PROTOCOLS)
def test_an_applications_token_is_for_exchange(at_entra: Program, entra: Emulator, protocol: str) -> None:
    application(entra)
    claims = token_claims(one_token(at_entra("mail-token", protocol)))
    assert claims["aud"] == "https://outlook.office365.com"
    assert "scp" not in claims


def test_the_responses_of_xoauth2_and_oauthbearer(person: Program) -> None:
    """Exchange's documentation and RFC 7628 section 3.1, with Exchange Online's own server; a person's own mailbox."""
    token = one_token(person("mail-token", "imap"))
    xoauth2 = base64.b64decode(one_token(person("mail-token", "imap", "-o", "xoauth2")))
    assert xoauth2.decode() == f"user={NADIA}\x01auth=Bearer {token}\x01\x01"
    bearer = base64.b64decode(one_token(person("mail-token", "imap", "-o", "oauthbearer", "--user", "a=b,c@d.e")))
    where = "host=outlook.office365.com\x01port=993\x01"
    assert bearer.decode() == f"n,a=a=3Db=2Cc@d.e,\x01{where}auth=Bearer {token}\x01\x01"
    other = one_token(person("mail-token", "imap", "-o", "oauthbearer", "--server", "mail.example.com:143"))
    assert b"\x01host=mail.example.com\x01port=143\x01" in base64.b64decode(other)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nntp"], "'nntp' is not one of"),
        ([], "Missing argument"),
        (["smtp", "-o", "plain"], "'plain' is not one of"),
        (["smtp", "-o", "xoauth2"], "An application has no mailbox of its own."),
        (["smtp", "-o", "xoauth2", "--user", "a\x01auth=Bearer x"], "contains control characters"),
        (["smtp", "-o", "oauthbearer", "--user", "a", "--server", "example.com"], "not a host and a port"),
        (["smtp", "-o", "oauthbearer", "--user", "a", "--server", "a\x01b:25"], "not a host and a port"),
        (["smtp", "--user", "a"], "--user changes nothing in the format token"),
        (["smtp", "-o", "xoauth2", "--user", "a", "--server", "a:1"], "--server changes nothing in the format xoauth2"),
    ],
)
def test_what_cannot_be_carried_is_refused(at_entra: Program, arguments: list[str], said: str) -> None:
    """Nothing is printed that a mail program could take for a token."""
    done = at_entra("mail-token", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_without_an_identity_it_says_how_to_get_one(anonymous: Program) -> None:
    done = anonymous("mail-token", "smtp")
    assert (done.code, done.out) == (2, "")
    assert "No identity is available." in done.err


def test_when_a_person_must_sign_in_it_does_not_ask(person: Program, entra: Emulator) -> None:
    """Without a terminal and with one: the command to run is on standard error, and the exit code is 3."""
    entra.revoke(NADIA)
    for done in (person("mail-token", "smtp"), person.at_terminal("mail-token", "smtp")):
        assert (done.code, done.out) == (3, "")
        assert "mstoken login" in done.err


def test_a_client_without_the_permission_is_refused_by_entra(anonymous: Program, entra: Emulator) -> None:
    """Nothing is printed for a mail program to use."""
    entra.state.default_tenant.grants[:] = [
        one for one in entra.state.default_tenant.grants if one.app != VISUAL_STUDIO
    ]
    sign_in(anonymous, entra)
    done = anonymous("mail-token", "smtp")
    assert done.code != 0
    assert done.out == ""


def test_a_chain_looks_for_a_person_first(entra: Emulator, runner: Runner) -> None:
    """Then for an application; blocking and under asyncio."""
    application(entra)
    tenant, authority = entra.state.default_tenant.id, entra.environment()["AZURE_AUTHORITY_HOST"]
    app = entra.state.default_app
    secret = ChainLink("environment", tenant, app.id, ClientSecret(entra.environment()["AZURE_CLIENT_SECRET"]))
    grant_mail(entra, VISUAL_STUDIO)
    person = ChainLink("profile", tenant, VISUAL_STUDIO, RefreshToken(entra.sign_in(NADIA, VISUAL_STUDIO)))
    for links, audience in (
        ((secret, person), "https://outlook.office.com"),
        ((secret,), "https://outlook.office365.com"),
    ):
        client = runner.client("", "", Chain(links), authority=authority)
        get: Callable[..., Any] = mail.get_token if isinstance(client, Client) else mail.get_token_async
        assert token_claims(runner.run(partial(get, client, "pop")).token)["aud"] == audience


def connect(protocol: str, dovecot: Dovecot, smtp_server: SmtpServer, context: ssl.SSLContext) -> Any:
    """An open connection with TLS, before authentication."""
    if protocol == "imap":
        return imaplib.IMAP4_SSL("localhost", dovecot.ports["imaps"], ssl_context=context)
    if protocol == "pop":
        return poplib.POP3_SSL("localhost", dovecot.ports["pops"], context=context)
    connection = smtplib.SMTP("localhost", smtp_server.port)
    connection.starttls(context=context)
    return connection


@pytest.mark.parametrize("who", ["person", "application"])
def test_pythons_own_clients_send_and_read(
    entra: Emulator, exchange: Exchange, dovecot: Dovecot, smtp_server: SmtpServer, who: str
) -> None:
    """smtplib, imaplib and poplib; a person's own mailbox needs no name, an application's does."""
    client, mailbox = (of_person(entra), NADIA) if who == "person" else (application(entra, exchange), SHARED)
    named = "" if who == "person" else SHARED
    dovecot.put_message(mailbox, MESSAGE)
    with connect("smtp", dovecot, smtp_server, trusting(exchange)) as smtp:
        mail.authenticate(smtp, client, named, host="localhost")
        smtp.sendmail(mailbox, ["you@example.com"], MESSAGE)
    with connect("imap", dovecot, smtp_server, trusting(exchange)) as imap:
        mail.authenticate(imap, client, named, host="localhost")
        imap.select(readonly=True)
        assert imap.search(None, "SUBJECT", "hello") == ("OK", [b"1"])
    pop = connect("pop", dovecot, smtp_server, trusting(exchange))
    mail.authenticate(pop, client, named, host="localhost")
    assert pop.stat()[0] == 1
    pop.quit()
    assert [envelope.rcpt_tos for envelope in smtp_server.received] == [["you@example.com"]]
    assert exchange.opened == [("smtp", mailbox), ("imap", mailbox), ("pop", mailbox)]


@pytest.mark.parametrize("protocol", mail.PROTOCOLS)
def test_a_mailbox_that_is_not_given_is_refused(
    entra: Emulator, exchange: Exchange, dovecot: Dovecot, smtp_server: SmtpServer, protocol: str
) -> None:
    """The error has the server's words, and which permissions and commands are missing; the token is nowhere in it."""
    client = application(entra, exchange)
    connection = connect(protocol, dovecot, smtp_server, trusting(exchange))
    hang_up = connection.shutdown if protocol == "imap" else connection.close
    with contextlib.closing(SimpleNamespace(close=hang_up)), pytest.raises(ApiRefused) as refused:
        mail.authenticate(connection, client, "other@contoso.com", host="localhost")
    assert "uthentication" in refused.value.message
    assert "Add-MailboxPermission" in refused.value.remedy
    assert mail.get_token(client, protocol).token[:40] not in f"{refused.value!r}{refused.value.__cause__!r}"


def _started(port: int, context: ssl.SSLContext | None) -> smtplib.SMTP:
    connection = smtplib.SMTP("localhost", port)
    connection.starttls(context=context)
    return connection


@pytest.mark.parametrize(
    ("make", "host", "said"),
    [
        (lambda port, _: smtplib.SMTP("localhost", port), "localhost", "not encrypted"),
        (lambda port, _: _started(port, None), "localhost", "does not verify"),
        (_started, "", "not where mail tokens belong"),
        (_started, "smtp.example.com", "not where mail tokens belong"),
    ],
    ids=["plain", "unverified", "not Exchange", "another"],
)
def test_the_token_goes_only_to_a_verified_server(
    entra: Emulator,
    exchange: Exchange,
    smtp_server: SmtpServer,
    make: Callable[[int, ssl.SSLContext], smtplib.SMTP],
    host: str,
    said: str,
) -> None:
    """smtplib's own context verifies nothing. No token is even requested."""
    client, before = application(entra, exchange), len(entra.requests)
    with make(smtp_server.port, trusting(exchange)) as connection, pytest.raises(UntrustedOrigin, match=said):
        mail.authenticate(connection, client, SHARED, host=host)
    assert len(entra.requests) == before
    assert exchange.opened == []


def test_other_connections_and_protocols_are_refused(entra: Emulator) -> None:
    client = application(entra)
    with pytest.raises(UsageError, match="not a connection of smtplib"):
        mail.authenticate(object(), client)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no mail protocol"):
        mail.get_token(client, "nntp")


def test_the_servers_of_exchange_online() -> None:
    """In the public cloud; '' where they are not known."""
    from mstoken import clouds

    servers = [mail.server_of(protocol, clouds.cloud("public")) for protocol in mail.PROTOCOLS]
    assert servers == ["smtp.office365.com:587", "outlook.office365.com:993", "outlook.office365.com:995"]
    assert mail.server_of("smtp", clouds.cloud("china")) == ""

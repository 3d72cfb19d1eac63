"""Mail by SMTP, IMAP and POP: the token in a SASL mechanism, and Python's own mail clients.

XOAUTH2 is what Exchange Online documents; OAUTHBEARER is the standard one. A person's token has the permission of one
protocol; an application's own token is for Exchange as a whole, and an administrator gives its service principal the
mailbox. Sources: learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-
application-by-using-oauth; RFC 7628 section 3.1; RFC 5801 section 4.
"""

from __future__ import annotations

import base64

from mstoken import services
from mstoken.credentials import Chain
from mstoken.errors import ApiRefused, NotConfigured, UntrustedOrigin, UsageError
from mstoken.messages import advice
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from imaplib import IMAP4
    from poplib import POP3
    from smtplib import SMTP

    from mstoken.client import AsyncClient, Client
    from mstoken.clouds import Cloud
    from mstoken.credentials.base import BaseCredential
    from mstoken.model import Token

    Connection = SMTP | IMAP4 | POP3

PROTOCOLS = ("smtp", "imap", "pop")
"""The names of the protocols, which are those of their services in the catalog."""

_EXCHANGE = "exchange"
_LONGEST = 200
"""Characters of the server's words in a message."""
_USER_CLAIMS = ("upn", "unique_name", "preferred_username")
_REMEDY = """\
A person's client needs the delegated permission SMTP.Send, IMAP.AccessAsUser.All or POP.AccessAsUser.All.
An application needs SMTP.SendAsApp, IMAP.AccessAsApp or POP.AccessAsApp, and a mailbox by Add-MailboxPermission.
The mailbox must allow the protocol: Set-CASMailbox -SmtpClientAuthenticationDisabled, -ImapEnabled, -PopEnabled."""


def get_token(client: Client, protocol: str) -> Token:
    """Return the token for `smtp`, `imap` or `pop`: a person's for the protocol, an application's for Exchange.

    A chain of identities looks for a person first. Raises the errors of `get_token`; UsageError for another protocol,
    and for a person in a cloud for which the permission's name is not known.
    """
    first, *others = _services(client.credential, protocol)
    try:
        return client.get_token(first)
    except NotConfigured:
        if not others:
            raise
    return client.get_token(others[0])


async def get_token_async(client: AsyncClient, protocol: str) -> Token:
    """Do the same with an AsyncClient, for mail clients under asyncio."""
    first, *others = _services(client.credential, protocol)
    try:
        return await client.get_token(first)
    except NotConfigured:
        if not others:
            raise
    return await client.get_token(others[0])


def xoauth2(user: str, token: str) -> str:
    """Return the client's response of XOAUTH2, before base64. Raises UsageError for a user that it cannot carry."""
    return f"user={_checked(user)}\x01auth=Bearer {token}\x01\x01"


def oauthbearer(user: str, token: str, server: str = "") -> str:
    """Return the client's response of OAUTHBEARER, before base64; `server` is `host:port`, or '' to leave it out.

    Raises UsageError for a user or a server that it cannot carry.
    """
    name = _checked(user).replace("=", "=3D").replace(",", "=2C")
    host, colon, port = server.rpartition(":")
    if server and not (host and port.isascii() and port.isdigit() and host.isprintable() and " " not in host):
        raise UsageError(f"The server is not a host and a port: {server!r}.", "Write smtp.office365.com:587.")
    where = f"host={host}\x01port={port}\x01" if colon else ""
    return f"n,a={name},\x01{where}auth=Bearer {token}\x01\x01"


def encoded(response: str) -> str:
    """Return a response as protocols carry it: in base64, on one line."""
    return base64.b64encode(response.encode()).decode()


def mailbox_of(token: Token) -> str:
    """Return the name of the user that a token stands for; '' for an application's, and for one that is unreadable."""
    from mstoken.protocol.jwt import readable

    decoded = readable(token.token)
    names = (decoded.claims.get(name) for name in _USER_CLAIMS) if decoded and "scp" in decoded.claims else ()
    return next((name for name in names if isinstance(name, str) and name), "")


def server_of(protocol: str, cloud: Cloud) -> str:
    """Return Exchange Online's `host:port` for a protocol; '' if it is not known for this cloud."""
    try:
        return services.resolve(protocol, cloud).api_base or ""
    except UsageError:
        return ""


def authenticate(connection: Connection, client: Client, user: str = "", *, host: str = "") -> None:
    """Authenticate an open `smtplib.SMTP`, `imaplib.IMAP4` or `poplib.POP3` with the client's token, by XOAUTH2.

    `user` is the mailbox; an application has to name it, a person's own is the default. The token goes only to Exchange
    Online's server for the protocol, or to `host`, and only by TLS that verified the server's name: give smtplib,
    imaplib and poplib a context of `ssl.create_default_context()`, because their own one verifies nothing.

    Raises the errors of `get_token`; UntrustedOrigin for another server, or without TLS that verifies; ApiRefused if
    the server refuses the token; UsageError without a mailbox; and what the connection's library raises when the
    connection breaks.
    """
    protocol = _protocol_of(connection)
    _check_server(connection.sock, host or server_of(protocol, client.cloud).rpartition(":")[0])
    token = get_token(client, protocol)
    mailbox = user or mailbox_of(token)
    response = xoauth2(mailbox, token.token)
    refused = _refusals()[protocol]
    try:
        _send(connection, response)
    except refused as error:
        raise ApiRefused(f"The server refused the token for {mailbox}: {_said(error)}", _REMEDY) from error


def _services(credential: BaseCredential, protocol: str) -> tuple[str, ...]:
    """Return the services to request, in order."""
    if protocol not in PROTOCOLS:
        raise UsageError(f"There is no mail protocol {protocol!r}.", f"Name one of {', '.join(PROTOCOLS)}.")
    if isinstance(credential, Chain):
        return protocol, _EXCHANGE
    return (protocol if credential.acts_for_user else _EXCHANGE,)


def _checked(user: str) -> str:
    if not user:
        remedy = advice(options="--user shared@contoso.com", python="user='shared@contoso.com'")
        raise UsageError("An application has no mailbox of its own.", f"Name the mailbox: {remedy}.")
    if not user.isprintable():
        raise UsageError("The name of the mailbox contains control characters.", "Write it as an address.")
    return user


def _protocol_of(connection: Connection) -> str:
    import imaplib
    import poplib
    import smtplib

    for protocol, known in zip(PROTOCOLS, (smtplib.SMTP, imaplib.IMAP4, poplib.POP3), strict=True):
        if isinstance(connection, known):
            return protocol
    raise UsageError(
        f"{type(connection).__name__} is not a connection of smtplib, imaplib or poplib.",
        "Use get_token_async() or get_token(), and xoauth2(), with another library.",
    )


def _check_server(sock: socket.socket | None, host: str) -> None:
    """Raise UntrustedOrigin unless TLS has verified that the server is `host` ('' for an unknown one)."""
    import ssl

    if not isinstance(sock, ssl.SSLSocket):
        raise UntrustedOrigin(
            "The connection is not encrypted; nothing was sent.",
            "Call starttls() or stls() first, with ssl.create_default_context(), or connect with TLS.",
        )
    if sock.context.verify_mode != ssl.CERT_REQUIRED or not sock.context.check_hostname:
        raise UntrustedOrigin(
            "The connection's TLS does not verify the server; nothing was sent.",
            "Give it the context ssl.create_default_context(): the library's own one verifies nothing.",
        )
    actual = str(sock.server_hostname or "")
    if not host or actual.lower() != host.lower():
        raise UntrustedOrigin(
            f"{actual} is not where mail tokens belong; nothing was sent.", f"If it is meant, name it: host={actual!r}."
        )


def _refusals() -> dict[str, type[Exception]]:
    """Return what each library raises when the server says no."""
    import imaplib
    import poplib
    import smtplib

    return {"smtp": smtplib.SMTPAuthenticationError, "imap": imaplib.IMAP4.error, "pop": poplib.error_proto}


def _said(error: Exception) -> str:
    """Return the server's words in an error of these libraries: their last argument, as bytes or as text."""
    words = error.args[-1] if error.args else ""
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    return " ".join(text.split())[:_LONGEST]


def _send(connection: Connection, response: str) -> None:
    """Send the response. To the server's JSON about a refusal the answer is empty, and then the refusal comes."""
    import imaplib
    import smtplib

    if isinstance(connection, smtplib.SMTP):
        connection.ehlo_or_helo_if_needed()
        connection.auth("XOAUTH2", lambda challenge=None: response if challenge is None else "")
    elif isinstance(connection, imaplib.IMAP4):
        waiting = [response.encode()]
        connection.authenticate("XOAUTH2", lambda _: waiting.pop() if waiting else b"")
    else:  # poplib has no AUTH; Exchange takes the response on a line of its own
        connection._shortcmd("AUTH XOAUTH2")  # type: ignore[attr-defined]  # noqa: SLF001
        answer = connection._shortcmd(encoded(response))  # type: ignore[attr-defined]  # noqa: SLF001
        if not answer.startswith(b"+OK"):
            connection._shortcmd("")  # type: ignore[attr-defined]  # noqa: SLF001

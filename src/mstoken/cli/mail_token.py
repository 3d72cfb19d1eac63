"""`mstoken mail-token`: the token that mail programs ask a command for."""

from __future__ import annotations

import click

from mstoken.cli import output
from mstoken.cli.command import command
from mstoken.cli.identity import identity_options
from mstoken.cli.options import IdentityArguments

_FORMATS = ("token", "xoauth2", "oauthbearer")


@command(short_help="Give mail programs a token for SMTP, IMAP or POP.")
@click.argument("protocol", type=click.Choice(["smtp", "imap", "pop"]))
@click.option(
    "--output",
    "-o",
    "form",
    type=click.Choice(_FORMATS),
    default="token",
    show_default=True,
    help="The token, or a whole SASL response in base64.",
)
@click.option("--user", default="", metavar="MAILBOX", help="Mailbox of the SASL response; a person's own by default.")
@click.option(
    "--server", default="", metavar="HOST:PORT", help="Server that oauthbearer names; Exchange Online's by default."
)
@identity_options
def mail_token(protocol: str, form: str, user: str, server: str, **arguments: str) -> None:
    """Print a token for Exchange Online's PROTOCOL: smtp, imap or pop; mail programs start this command themselves.

    A person's token has the permission of that protocol alone. An application's token is for Exchange, where an
    administrator gives it mailboxes. Of the default identities, a person's sign-in comes first. It never asks anything:
    if you have to sign in, standard error says so, and the exit code is 3.

    \b
      msmtp     passwordeval "mstoken mail-token smtp"
      mutt      set imap_oauth_refresh_command = "mstoken mail-token imap"
      mbsync    PassCmd "mstoken mail-token imap"
      mstoken mail-token smtp -o xoauth2 --user shared@contoso.com --profile app
    """
    from mstoken.cli.tool_client import tool_client
    from mstoken.errors import UsageError
    from mstoken.integrations import mail

    if (user and form == "token") or (server and form != "oauthbearer"):
        name, takes = ("--server", "oauthbearer") if server else ("--user", "xoauth2 or oauthbearer")
        raise UsageError(f"{name} changes nothing in the format {form}.", f"Leave it out, or add -o {takes}.")
    with tool_client(IdentityArguments(**arguments).flags()) as tool:
        token = mail.get_token(tool.client, protocol)
        server = server or mail.server_of(protocol, tool.client.cloud)
    if form == "token":
        output.write(token.token)
        return
    mailbox = user or mail.mailbox_of(token)
    if form == "xoauth2":
        output.write(mail.encoded(mail.xoauth2(mailbox, token.token)))
    else:
        output.write(mail.encoded(mail.oauthbearer(mailbox, token.token, server)))

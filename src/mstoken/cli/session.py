"""`mstoken session`: serve the requests of one program, such as a PowerShell session, over standard input and output.

`cli.entry` runs `mstoken session` without this file, which needs click; the help and mistakes come here.
"""

from __future__ import annotations

from mstoken.cli.command import command


@command(short_help="Serve requests from a program, as lines of JSON.")
def session() -> int:
    """Serve the requests of another program: a line of JSON on standard input for each, answered on standard output.

    The PowerShell module MsToken starts a session, so that a cached token takes a millisecond. The session reads
    the variables and the folder that each request names, answers requests in their order, and ends when standard
    input closes. docs/powershell-module.md describes the lines.

    \b
      mstoken session
    """
    from mstoken.cli.session_server import serve

    return serve()

"""A small AD FS, the identity provider of every federated domain: WS-Trust for programs, a page for browsers.

Sources: OASIS WS-Trust 1.3, WS-Trust of February 2005, and what client libraries read of AD FS's metadata document.
"""

from entra_emulator.routing import Route, route

from . import sign_in, trust


def routes() -> list[Route]:
    """Return the routes below /adfs."""
    return [
        route("GET", "/services/trust/mex", trust.metadata),
        *(route("GET", path, sign_in.show) for path in ("/ls", "/ls/")),
        *(route("POST", path, sign_in.submit) for path in ("/ls", "/ls/")),
        route("POST", trust.PATHS["2005"], trust.issue_2005),
        route("POST", trust.PATHS["13"], trust.issue_13),
    ]

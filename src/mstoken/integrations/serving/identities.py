"""The identities that one endpoint gives tokens of, and what its callers learn of a failure."""

from __future__ import annotations

import math

from mstoken.errors import MstokenError, StoreError, Throttled, TryLater, UnreadableAnswer
from mstoken.services import Scope
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.client import Client
    from mstoken.model import Token


@value
class Identities:
    """The identities of an endpoint, by profile name, the default one first; '' is the one of the command's options.

    `client_for_profile` returns the client of a profile. It raises MstokenError, and is called for every request, so
    that a changed configuration counts at once.
    """

    profiles: tuple[str, ...]
    client_for_profile: Callable[[str], Client] = field(repr=False)

    def choose(self, ids: tuple[str, ...]) -> Client | None:
        """Return the client that the IDs in a request name; the default one without an ID, None for unknown ones.

        A managed identity's client ID is that of the application, or the profile's name. An object ID is the profile's
        name, and a resource ID ends in it: no other name of them is known here.
        """
        wanted = {part.casefold() for one in ids for part in (one, one.rpartition("/")[2]) if part}
        if not wanted:
            return self.client_for_profile(self.profiles[0])
        for profile in self.profiles:
            client = self.client_for_profile(profile)
            if wanted & ({profile.casefold(), client.client_id.casefold()} - {""}):
                return client
        return None


def token_for(client: Client, resource: str) -> Token:
    """Return the token for a resource, as a request to a managed identity names it. Raises MstokenError."""
    return client.get_token(Scope(f"{resource}/.default"))


def client_id_of(token: Token, client: Client) -> str:
    """Return the client ID that a response gives: the token's own if it is readable."""
    from mstoken.protocol.jwt import readable

    decoded = readable(token.token)
    claims = decoded.claims if decoded else {}
    return str(claims.get("appid") or claims.get("azp") or client.client_id)


def sentence(error: MstokenError) -> str:
    """Return what happened and what to do, on one line."""
    return " ".join(f"{error.message} {error.remedy}".split())


def status_of(error: MstokenError) -> int:
    """Return the HTTP status for an error. Clients repeat a request after 429 and 5xx only."""
    if isinstance(error, Throttled):
        return 429
    if isinstance(error, TryLater | UnreadableAnswer):
        return 503
    return 500 if isinstance(error, StoreError) else 400


def retry_after(error: MstokenError) -> tuple[tuple[str, str], ...]:
    """Return the Retry-After header, if the token service asked to wait (RFC 9110 section 10.2.3)."""
    wait = error.retry_in if isinstance(error, TryLater) else None
    return () if wait is None else (("Retry-After", str(math.ceil(wait))),)

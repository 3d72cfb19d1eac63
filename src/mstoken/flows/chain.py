"""A chain of identities: the first available link provides the token. If an available link is refused, the search ends.

An absent identity is not an error: variables that are not set, no managed identity on this machine. A refusal is an
error: somebody meant this identity to be used, and continuing would use a different identity in its place
(learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains).
"""

from __future__ import annotations

from mstoken import steps
from mstoken.credentials import DeveloperTool, ManagedIdentity
from mstoken.credentials.developer_tools import NOT_SIGNED_IN
from mstoken.errors import Misconfigured, MstokenError, NotConfigured, SignInRequired, TransportError
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.flows.managed_identity import reason_absent
from mstoken.model import Note
from mstoken.protocol.cache_key import cache_key
from mstoken.protocol.chain import request_for_link
from mstoken.protocol.managed_identity.answer import NO_IDENTITY
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mstoken.credentials import Chain, ChainLink
    from mstoken.flows.port import HttpPort, Port, TokenSource
    from mstoken.model import Token, TokenRequest

_OWN_REASONS = frozenset({"environment", "workload identity"})
"""Links whose reasons name variables, and quote nothing."""

REMEMBER_ABSENCE_IN = 600
"""Seconds for which no process of the user looks again for a managed identity that was absent."""


async def chain(request: TokenRequest, credential: Chain, port: Port, tokens: TokenSource | None = None) -> Token:
    """Return the token of the first available link, from `tokens` (default: `port`).

    Raises NotConfigured, which lists every link, why it was skipped and how to add it; and what `tokens` raises for an
    available link that is refused.
    """
    reasons: list[tuple[ChainLink, str]] = []
    for candidate in credential.in_order():
        link = await settled(candidate, port)
        if credential.user_only:
            link = link.for_user()
        reason = link.unavailable_reason
        if not reason:
            token_request = request_for_link(request, link)
            reason = await _reason_absent(token_request, link, port)
            if not reason:
                try:
                    token = await (tokens or port).token(token_request)
                except (Misconfigured, NotConfigured, SignInRequired, TransportError) as error:
                    if not (link.probe and _is_absence(error, link)):
                        raise
                    reason = error.message
                else:
                    credential.remember(link)
                    return token
        # A profile's reason may quote its file, a managed identity's its endpoint: neither belongs in a log.
        steps.skipped(link.name, link.unavailable_reason if link.name in _OWN_REASONS else "not available here")
        reasons.append((link, reason))
    raise nothing_served(reasons)


async def settled(link: ChainLink, port: HttpPort) -> ChainLink:
    """Return the link with the values that are computed only when its turn comes."""
    return link if link.settle is None else await port.call(link.settle)


def nothing_served(reasons: Sequence[tuple[ChainLink, str]]) -> NotConfigured:
    """Return the error for a chain in which no link is available."""
    begun = next((link for link, _ in reasons if link.incomplete), None)
    if begun:
        missing = begun.unavailable_reason.removeprefix("not set: ")
        return NotConfigured(
            begun.incomplete,
            f"Set {missing}.\n"
            "Or use another identity: `mstoken login` signs you in, `mstoken doctor` shows all others.",
        )
    tried = "\n".join(f"  {link.name}: {reason}" for link, reason in reasons)
    remedies = [f"{link.name}: {link.remedy}" for link, _ in reasons if link.remedy]
    remedies.append("To try it without a tenant: mstoken emulator -- mstoken get graph")
    return NotConfigured(f"No identity is available. These were checked:\n{tried}", "\n".join(remedies))


async def _reason_absent(token_request: TokenRequest, link: ChainLink, port: Port) -> str:
    """Return why the link is absent; '' if it is or may be available, such as a link that has a cached token."""
    if isinstance(link.credential, DeveloperTool):
        return await port.call(link.credential.reason_absent)
    if not (link.probe and isinstance(link.credential, ManagedIdentity)):
        return ""
    cached = await port.load(cache_key(token_request))
    if cached and cached.expires_on > port.now():
        return ""
    key = _absence_key(link.credential)
    note = await port.load_note(key)
    if note and note.expires_on > port.now() and not token_request.fresh:
        return note.text
    reason = await reason_absent(link.credential, port)
    if reason:
        now = int(port.now())
        await port.save_note(key, Note(reason, now, now + REMEMBER_ABSENCE_IN))
    return reason


def _absence_key(credential: ManagedIdentity) -> str:
    return fingerprint_of_parts(
        "no managed identity", credential.machine, *map(str, sorted(credential.environment.items()))
    )


def _is_absence(error: MstokenError, link: ChainLink) -> bool:
    """Return whether the error says that there is no identity here, and not that one is refused or does not work."""
    if isinstance(link.credential, DeveloperTool):
        return isinstance(error, NotConfigured) or getattr(error, "suberror", "") == NOT_SIGNED_IN
    return isinstance(error, TransportError) or getattr(error, "suberror", "") == NO_IDENTITY

"""Azure DevOps: the tenant of an organization, which its servers name to a caller without a token; session tokens.

A package feed and Git's smart HTTP answer with `WWW-Authenticate: Bearer authorization_uri=https://SIGN-IN/TENANT`;
pages and REST redirect to the sign-in, with `X-VSS-ResourceTenant: TENANT`. A tenant of zeros is an organization of
personal accounts. A feed also names where it issues tokens, in `X-VSS-AuthorizationEndpoint`. Sources: Git Credential
Manager 2.9, Microsoft.AzureRepos; artifacts-credprovider, VstsSessionTokenClient; responses of Azure DevOps.
"""

from __future__ import annotations

import json
import re
import time

from mstoken.errors import MstokenError, UsageError
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.hidden import HiddenText
from mstoken.model import Note, Token
from mstoken.protocol.challenge import challenged_tenant
from mstoken.protocol.http import HttpRequest
from mstoken.services.strict_url import parse_url
from mstoken.texts import rfc3339
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mstoken.flows.store_port import AccessTokenStore
    from mstoken.model import TokenInfo
    from mstoken.protocol.http import HttpResponse
    from mstoken.services.strict_url import HttpUrl

    Send = Callable[[HttpRequest], HttpResponse]

_TENANT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PERSONAL = "00000000-0000-0000-0000-000000000000"
_HOST = re.compile(r"(?:[a-z0-9-]+\.)*(?:dev\.azure\.com|visualstudio\.com)")
_REMEMBER_IN = 24 * 3600
"""Seconds: an organization rarely moves to another tenant, and a refused token deletes the note."""
_TIMEOUT_IN = 10.0
_SESSION_TOKENS = "/_apis/Token/SessionTokens?tokenType=SelfDescribing&api-version=5.0-preview.1"
SESSION_SCOPE = "vso.packaging_write"
"""The scope of session tokens: to read packages, and to publish them."""


@value
class Organization:
    """What a server says: the tenant ID of its organization, and where it issues session tokens; '' for neither.

    The tenant is also '' for an organization of personal accounts.
    """

    tenant: str = ""
    token_endpoint: str = ""


def tenant_of_challenge(header: str) -> str:
    """Return the tenant ID in a WWW-Authenticate header; '' if it names none, or that of personal accounts."""
    return _tenant(challenged_tenant(header))


def organization_of(headers: Mapping[str, str]) -> Organization:
    """Return what a response to an anonymous request says. The names of `headers` are in lower case."""
    challenged = tenant_of_challenge(headers.get("www-authenticate", ""))
    return Organization(
        challenged or _tenant(headers.get("x-vss-resourcetenant", "")),
        _endpoint(headers.get("x-vss-authorizationendpoint", "")),
    )


def find_organization(url: str, send: Send, notes: AccessTokenStore, *, method: str = "HEAD") -> Organization:
    """Return the organization of the server at `url`, from the store's notes or by an anonymous request.

    Empty if the server cannot be reached: the client's own tenant is then the best guess.
    """
    key = _note_key(url)
    note = notes.load_note(key)
    if note is not None and note.expires_on > time.time():
        return Organization(*note.text.split(" ", 1))
    try:
        found = organization_of(send(HttpRequest(method, url, timeout_in=_TIMEOUT_IN)).headers)
    except MstokenError:
        return Organization()
    if found.tenant:
        now = int(time.time())
        notes.save_note(key, Note(f"{found.tenant} {found.token_endpoint}", now, now + _REMEMBER_IN))
    return found


def forget_organization(url: str, notes: AccessTokenStore) -> None:
    """Delete the note of `find_organization`, after the server refused a token."""
    notes.delete_note(_note_key(url))


def session_token(token: Token, endpoint: str, send: Send, tokens: AccessTokenStore, info: TokenInfo) -> Token | None:
    """Return the session token for packages that `endpoint` issues for a user's `token`; None if it issues none.

    It is as valid as `token`, and cached with `info`, the metadata of `token`.
    """
    key = fingerprint_of_parts("session token of Azure DevOps", endpoint, token.token)
    cached = tokens.load(key)
    if cached is not None and cached.expires_on > time.time():
        return cached
    wanted = {"displayName": "mstoken", "scope": SESSION_SCOPE, "validTo": rfc3339(token.expires_on)}
    headers = {"Authorization": HiddenText(f"Bearer {token.token}"), "Content-Type": "application/json"}
    request = HttpRequest(
        "POST", endpoint.rstrip("/") + _SESSION_TOKENS, headers, json.dumps(wanted).encode(), timeout_in=_TIMEOUT_IN
    )
    try:
        response = send(request)
        answer = json.loads(response.body) if response.status == 200 else {}
    except (MstokenError, ValueError):
        return None
    text = answer.get("token") if isinstance(answer, dict) else None
    if not (isinstance(text, str) and text and text.isascii() and text.isprintable()):
        return None
    issued = Token(text, token.expires_on, got_on=token.got_on)
    tokens.save(key, issued, replace(info, scope=SESSION_SCOPE))
    return issued


def _note_key(url: str) -> str:
    return fingerprint_of_parts("organization of Azure DevOps", url.lower())


def _tenant(text: str) -> str:
    tenant = text.strip().lower()
    return tenant if _TENANT.fullmatch(tenant) and tenant != _PERSONAL else ""


def _endpoint(text: str) -> str:
    """Return an endpoint that may receive tokens of Azure DevOps: https, and one of its own hosts; '' for another."""
    url = _parsed(text.strip())
    return url.identifier if url and url.scheme == "https" and _HOST.fullmatch(url.host) and not url.port else ""


def _parsed(text: str) -> HttpUrl | None:
    """Return the parts of a server's URL; None for text that programs parse in different ways."""
    try:
        return parse_url(text)
    except UsageError:
        return None

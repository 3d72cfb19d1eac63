"""The secrets of one Azure Key Vault over its REST API, with the given HTTP transport and token source.

The vault names the token that it requires in a challenge. The challenge's resource is accepted only if the vault's host
is in that domain; otherwise a foreign host could request the token of another service.
Sources: learn.microsoft.com/rest/api/keyvault/secrets,
learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
"""

from __future__ import annotations

import json
import time
from urllib.parse import urlsplit

from mstoken.errors import MstokenError, StoreError, UntrustedOrigin
from mstoken.hidden import HiddenText
from mstoken.protocol.challenge import bearer_challenge, challenged_claims
from mstoken.protocol.http import HttpRequest
from mstoken.protocol.retry_after import requested_wait
from mstoken.texts import is_encodable
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.urls import origin_of
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mstoken.protocol.http import HttpResponse

    Send = Callable[[HttpRequest], HttpResponse]
    GetToken = Callable[[str, str, str], str]
    """(scope, tenant, claims) -> access token; tenant and claims may be ''."""

VERSION = "7.4"
RESPONSE_TIMEOUT_IN = 15.0
RETRY_PAUSES_IN = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try of a vault that is busy or recovers a deleted secret."""
MAX_PAUSE_IN = 10.0
MAX_PAGES = 4000
"""Of a list: a hundred thousand secrets, and an end to a list that leads back to itself."""
RETRY_STATUSES = frozenset({429, 500, 502, 503, 504})


@value
class Secret:
    """One version of a secret. `value` is empty in a list, which contains no values."""

    name: str
    version: str
    value: str = field(secret=True)
    tags: Mapping[str, str] = field(default_factory=dict)


class KeyVault:
    """The secrets of the vault at `url`, such as `https://contoso.vault.azure.net`. Threads may share it.

    Raises StoreError if the vault is unreachable or refuses a request, UntrustedOrigin for a challenge with another
    host's resource.
    """

    def __init__(self, url: str, send: Send, get_token: GetToken) -> None:
        origin_of(url, "The key vault")
        self.url, self._send, self._get_token = url.strip().rstrip("/"), send, get_token
        self._scope, self._tenant = "", ""

    def __repr__(self) -> str:
        return f"KeyVault({getattr(self, 'url', '')!r})"

    def read(self, name: str) -> Secret | None:
        """Return the secret's current version; None if there is none."""
        response = self._request("GET", f"/secrets/{name}", allowed_statuses=(404,))
        return _secret(_body(response)) if response.status == 200 else None

    def write(self, name: str, value: str, tags: Mapping[str, str]) -> Secret:
        """Create a new version, and recover the secret if it was deleted. The version is durable when this returns."""
        body = json.dumps({"value": value, "tags": dict(tags), "contentType": "application/json"}).encode()
        response = self._request("PUT", f"/secrets/{name}", body, allowed_statuses=(409,))
        for pause in RETRY_PAUSES_IN:
            if response.status != 409:
                break
            # A deleted secret keeps its name until it is purged: learn.microsoft.com/azure/key-vault/general/
            # soft-delete-overview
            self._request("POST", f"/deletedsecrets/{name}/recover", allowed_statuses=(404, 409))
            time.sleep(pause)
            response = self._request("PUT", f"/secrets/{name}", body, allowed_statuses=(409,))
        if response.status == 409:
            raise self._error(response)
        return _secret(_body(response))

    def delete(self, name: str) -> bool:
        """Delete all versions; return False if there were none. A vault with soft delete can recover them."""
        return self._request("DELETE", f"/secrets/{name}", allowed_statuses=(404,)).status == 200

    def secrets(self) -> Iterator[Secret]:
        """Return the current version of every secret, without its value."""
        path = "/secrets"
        for _ in range(MAX_PAGES):
            body = _body(self._request("GET", path))
            listed = body.get("value")
            yield from (_secret(item) for item in (listed if isinstance(listed, list) else []))
            next_link = str(body.get("nextLink") or "")
            if next_link and not next_link.startswith(f"{self.url}/"):
                raise UntrustedOrigin(f"{self.url} named another host for its next page. Nothing was sent there.")
            path = next_link.removeprefix(self.url)
            if not path:
                return

    def _request(
        self, method: str, path: str, body: bytes = b"", allowed_statuses: tuple[int, ...] = ()
    ) -> HttpResponse:
        try:
            response = self._send_with_retry(method, path, body)
        except StoreError:
            raise
        except MstokenError as error:
            if isinstance(error, UntrustedOrigin):
                raise
            raise StoreError(f"{self.url} cannot be reached: {error.message}", error.remedy) from None
        if response.status != 200 and response.status not in allowed_statuses:
            raise self._error(response)
        return response

    def _send_with_retry(self, method: str, path: str, body: bytes) -> HttpResponse:
        claims = ""
        response = self._send_once(method, path, body, claims)
        for pause in RETRY_PAUSES_IN:
            if response.status == 401:
                header = response.headers.get("www-authenticate", "")
                if claims or (self._scope and not challenged_claims(header)):
                    break
                claims = challenged_claims(header)
                self._accept_challenge(header)
            elif response.status in RETRY_STATUSES:
                wanted = requested_wait(response.headers, time.time())
                time.sleep(min(pause if wanted is None else wanted, MAX_PAUSE_IN))
            else:
                break
            response = self._send_once(method, path, body, claims)
        return response

    def _send_once(self, method: str, path: str, body: bytes, claims: str) -> HttpResponse:
        url = self.url + path
        if "api-version=" not in url:
            url += f"{'&' if '?' in url else '?'}api-version={VERSION}"
        headers = {"Accept": "application/json"}
        if self._scope:
            headers["Authorization"] = HiddenText(f"Bearer {self._get_token(self._scope, self._tenant, claims)}")
        if body:
            headers["Content-Type"] = "application/json"
        # The first request goes without a token and without what is to be kept: it only asks for the challenge.
        return self._send(
            HttpRequest(method, url, headers, body if self._scope else b"", timeout_in=RESPONSE_TIMEOUT_IN)
        )

    def _accept_challenge(self, header: str) -> None:
        """Get the token for the challenge, if the challenge's resource belongs to the vault."""
        challenge = bearer_challenge(header)
        resource = challenge.get("resource") or challenge.get("scope", "").removesuffix("/.default")
        (domain, _), host = _split(resource), urlsplit(self.url).hostname or ""
        if not domain or not f".{host}".endswith(f".{domain}"):
            raise UntrustedOrigin(
                f"{self.url} wants a token for {resource or 'nothing'}, which does not belong to it. Nothing was sent.",
                "Check the vault's URL.",
            )
        self._scope = f"https://{domain}/.default"
        # Of the authority it names only the tenant counts: who is asked, and gets the client's proof, is the client's.
        self._tenant = _split(challenge.get("authorization", ""))[1].strip("/").partition("/")[0]

    def _error(self, response: HttpResponse) -> StoreError:
        try:
            code = str(_body(response)["error"]["code"])[:100]
        except (KeyError, TypeError, StoreError):
            code = ""
        message = f"{self.url} answered HTTP {response.status}{f' ({code})' if code.isprintable() and code else ''}."
        if response.status in (401, 403):
            return StoreError(
                message, "Give the identity the role Key Vault Secrets Officer; check the vault's firewall."
            )
        if response.status in RETRY_STATUSES:
            return StoreError(message, "Try again in a moment.")
        return StoreError(message, "Check the vault's URL, and that the secret is enabled.")


def _split(url: str) -> tuple[str, str]:
    """Return host and path of a URL from an untrusted server; both '' if it is invalid."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.hostname or "", parts.path


def _body(response: HttpResponse) -> dict[str, Any]:
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise StoreError("The key vault's response cannot be read.", "Check the vault's URL and any proxy on the way.")
    return body


def _secret(bundle: object) -> Secret:
    """Return a secret from its bundle or from an item of a list."""
    body = bundle if isinstance(bundle, dict) else {}
    parts = str(body.get("id", "")).partition("/secrets/")[2].split("/")
    name, version = [*parts, ""][:2]
    tags, value = body.get("tags"), body.get("value")
    known = {str(key): str(text) for key, text in tags.items()} if isinstance(tags, dict) else {}
    if isinstance(value, str) and not is_encodable(value):
        raise StoreError(f"The key vault's secret {name} cannot be encoded in UTF-8.", "Store the secret again.")
    return Secret(name, version, value if isinstance(value, str) else "", known)

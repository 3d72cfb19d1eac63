"""Every parser of external input, as a function of bytes.

Each may return a value or raise MstokenError (a TOML or JSON reader its own ValueError, if its caller expects that);
anything else is a bug. The tests use them with hypothesis, `fuzz/` with atheris.
"""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import cast
from unittest.mock import patch

from mstoken import aadsts
from mstoken.authority import Authority
from mstoken.browser.listener import parse_query
from mstoken.browser.pasted_urls import parse_pasted_url
from mstoken.cli.inspection.description import describe, describe_signed_request
from mstoken.cli.inspection.kinds import of_jwt
from mstoken.cli.inspection.summary import summarize
from mstoken.cli.inspection.token_input import find_token
from mstoken.config import profiles
from mstoken.credentials import ClientSecret, ManagedIdentity
from mstoken.errors import MstokenError, StoreError
from mstoken.keys import certificate
from mstoken.model import TokenRequest
from mstoken.protocol import challenge, claims, device_authorization, id_token, job_token, jwt, refusal, user_realm
from mstoken.protocol.http import HttpRequest, HttpResponse
from mstoken.protocol.managed_identity import answer, azure_arc
from mstoken.protocol.managed_identity.dialect import IdentityRequest
from mstoken.protocol.managed_identity.dialects import DIALECTS
from mstoken.protocol.managed_identity.identity_endpoint import IdentityEndpoint
from mstoken.protocol.pop import PopRequest
from mstoken.protocol.quoted import unquoted
from mstoken.protocol.retry_after import retry_after
from mstoken.protocol.token_endpoint import build_token_request, parse_token_response
from mstoken.rest.api_errors import parse_api_error
from mstoken.services import resolve_all
from mstoken.stores import key_vault, token_file, token_file_reader, vault_key
from mstoken.stores.cipher import Cipher
from mstoken.stores.key_vault_refresh_tokens import KeyVaultRefreshTokens
from mstoken.stores.redis_access_tokens import RedisAccessTokens
from mstoken.stores.redis_connection import RedisConnection
from mstoken.stores.redis_refresh_tokens import RedisRefreshTokens
from mstoken.transports import issuer
from mstoken.transports.connection import Connection
from mstoken.transports.deadline import Deadline
from mstoken.transports.failures import Peer
from mstoken.transports.outgoing import outgoing
from mstoken.urls import origin_of, redacted_url

NOW = 1_800_000_000.0
REQUEST = TokenRequest(
    Authority.of("login.microsoftonline.com", "contoso.onmicrosoft.com"),
    "6731de76-14a6-49ae-97bc-6eba6914391e",
    ClientSecret("s"),
    ("https://graph.microsoft.com/.default",),
)
STATUSES = (200, 200, 200, 400, 401, 403, 404, 429, 500, 503, 302, 0)
KEY = "ab" * 20


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _response(data: bytes) -> HttpResponse:
    """The first byte chooses the status, the next line is a Retry-After and a challenge, the rest the body."""
    head, _, body = data[1:].partition(b"\n") if data[:1] < b"\x80" else (b"", b"", data[1:])
    headers = {"retry-after": _text(head), "www-authenticate": _text(head)}
    return HttpResponse(STATUSES[data[0] % len(STATUSES)] if data else 200, headers, body)


def _machine(source: str) -> IdentityRequest:
    place = IdentityEndpoint(source, "http://127.0.0.1/token", "secret", "0" * 40, "/var/opt/azcmagent/tokens")
    return IdentityRequest(place, ManagedIdentity(environment={}), "https://graph.microsoft.com")


def _managed_identity(data: bytes, source: str) -> object:
    return answer.parse_identity_response(_response(data), _machine(source), DIALECTS[source], REQUEST, NOW)


def _encrypted_file(data: bytes) -> object:
    def cipher() -> Cipher:
        return _cipher()

    decoders = (token_file.decode, token_file.decode_note, token_file.decode_info)
    return [decode(KEY, data, cipher) for decode in decoders], token_file.expires_on(data)


@cache
def _cipher() -> Cipher:
    return Cipher(b"k" * 32)


def _key_vault(data: bytes) -> object:
    vault = key_vault.KeyVault("https://contoso.vault.azure.net", lambda _: _response(data), lambda *_: "token")
    refresh_tokens = KeyVaultRefreshTokens(vault)
    with patch.multiple(key_vault, RETRY_PAUSES_IN=(0.0,), MAX_PAUSE_IN=0.0, MAX_PAGES=3):
        with contextlib.suppress(MstokenError):
            refresh_tokens.load("account:anna")
        return refresh_tokens.list_sign_ins()


def _profile(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.toml")
        path.write_bytes(data)
        path.chmod(0o600)
        environ = {"MSTOKEN_CONFIG_DIR": folder}
        return [profiles.find(name, environ) for name in profiles.names(environ)]


def _certificate(data: bytes) -> object:
    return certificate.load([data], "", "RS256", "a fuzzed file")


def _http_answer(data: bytes) -> object:
    here, there = socket.socketpair()
    with there:
        connection, deadline = Connection(here, Peer("api.example")), Deadline(60)
        there.sendall(data)
        there.shutdown(socket.SHUT_WR)
        try:
            return connection.exchange(outgoing(HttpRequest("GET", "https://api.example/")), deadline)
        finally:
            connection.close()


def _inspected(data: bytes) -> object:
    decoded = jwt.decode(_text(data))
    summary = summarize(decoded)
    return describe(summary, of_jwt(decoded).name, NOW), describe_signed_request(decoded.claims)


def _issuer(data: bytes) -> object:
    with contextlib.suppress(ValueError):  # as its caller does
        return issuer.issuer_in(data)
    return None


class _Server:
    """A Redis that has `data` under every name, sealed with our key or not."""

    address = "a fuzzed server"

    def __init__(self, data: bytes) -> None:
        self._data = data

    def cipher(self) -> Cipher:
        return _cipher()

    def get(self, name: str) -> bytes:
        return _cipher().encrypt(self._data[1:], name) if self._data[:1] < b"\x80" else self._data

    def list_keys(self, kind: str) -> list[str]:
        return [f"mstoken:1:{kind}:{KEY}"]

    def swap(self, *_: object) -> bool:
        return True


def _redis_grants(data: bytes) -> object:
    refresh_tokens = RedisRefreshTokens(cast("RedisConnection", _Server(data)))
    with contextlib.suppress(MstokenError):
        refresh_tokens.replace("account:anna", "r0", "r1")
    return refresh_tokens.load("account:anna"), [kept.expires_on for kept in refresh_tokens.list_sign_ins().values()]


def _redis_tokens(data: bytes) -> object:
    tokens = RedisAccessTokens(cast("RedisConnection", _Server(data)))
    return tokens.load(KEY), tokens.load_note(KEY), tokens.tokens()


TARGETS: dict[str, Callable[[bytes], object]] = {
    "token answer": lambda data: parse_token_response(_response(data), REQUEST, NOW, 0.5),
    "quoted form": lambda data: unquoted(_response(data), build_token_request(REQUEST, {"client_secret": "s"}, {})),
    "refusal": lambda data: str(refusal.refusal_of(_response(data), NOW, REQUEST)),
    "device authorization": lambda data: device_authorization.parse_device_authorization(_response(data), REQUEST, NOW),
    "user realm": lambda data: user_realm.federated_with(_response(data)),
    "job token": lambda data: job_token.parse_job_token(_response(data), "value", "The job", NOW),
    "id token": lambda data: id_token.parse_id_token(_text(data), REQUEST, "nonce", NOW),
    "jwt": lambda data: jwt.decode(_text(data)),
    "retry after": lambda data: retry_after(_text(data), NOW),
    "bearer challenge": lambda data: challenge.bearer_challenge(_text(data)),
    "claims challenge": lambda data: challenge.challenged_claims(_text(data)),
    "claims": lambda data: claims.claims_parameter(_text(data), enable_cae=True),
    "arc challenge": lambda data: azure_arc.key_file(_response(data), _machine("azure_arc").endpoint),
    "redirect": lambda data: parse_query(_text(data)),
    "pasted address": lambda data: parse_pasted_url(_text(data)),
    "error text": lambda data: aadsts.explain(_text(data)),
    "shown url": lambda data: redacted_url(_text(data)),
    "url to sign for": lambda data: PopRequest(_text(data)).named(),
    "authority": lambda data: origin_of(_text(data), "The authority"),
    "service": lambda data: resolve_all((_text(data),)),
    "piped token": lambda data: find_token(_text(data)),
    "http answer": _http_answer,
    "token file": token_file_reader.parse,
    "sealed token file": _encrypted_file,
    "key vault": _key_vault,
    "redis sign-in": _redis_grants,
    "redis token": _redis_tokens,
    "redis url": lambda data: RedisConnection(_text(data), b"k" * 32).address,
    "vault key": lambda data: vault_key.decode_key(_text(data)),
    "issuer of a certificate": _issuer,
    "inspected token": _inspected,
    "api error": parse_api_error,
    "profiles": _profile,
    "certificate": _certificate,
    **{f"managed identity, {source}": partial(_managed_identity, source=source) for source in DIALECTS},
}


def run(name: str, data: bytes) -> None:
    """Run one parser. Raises any exception that the parser may not raise."""
    with contextlib.suppress(MstokenError, StoreError):
        TARGETS[name](data)

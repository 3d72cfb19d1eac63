"""Well made bytes of every kind that the parsers read: fuzzing begins with them."""

from __future__ import annotations

import json

from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.certificates import identity, misnamed, with_unknown_key
from tests.support.unsigned_tokens import base64url_json, jwt, user_v2

GRANT = {
    "key": "account:anna",
    "current": "r1",
    "previous": "r0",
    "about": {"authority": "https://login.microsoftonline.com", "tenant": "contoso", "client_id": "app"},
    "created_on": 1_700_000_000,
    "renewed_on": 1_700_000_000,
    "renewals": [1_700_000_000],
    "ended_by": 0,
}

SEEDS: list[bytes] = [
    # Of an answer the first byte chooses the status (`parsers.STATUSES`): \x84 is 200, \x87 is 400.
    b'Bearer error="insufficient_claims", claims="eyJhIjp7fX0="',
    b'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"',
    b"Wed, 21 Oct 2099 07:28:00 GMT",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
    b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"mstoken-token 1 clear 4000000000\nexpires_on 4000000000\ntoken abc\nend\n",
    b"mstoken-note 1 clear 4000000000\nexpires_on 4000000000\nwritten_on 1700000000\ntext throttled\nend\n",
    b"mstoken-token 1 sealed 4000000000\n0123456789abcdef",
    b'[profile.work]\ntenant = "contoso"\nclient_secret = "env:X"\nstore = "redis://host"\n',
    b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    b"-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n",
    b"0\x82\x01\x00",
    b"http://localhost:1234/?code=a&state=b",
    b"AADSTS50076: Due to a configuration change",
    b" " + json.dumps(GRANT).encode(),
    jwt(user_v2()).encode(),
    f"{base64url_json({'alg': 'none'})}.{base64url_json([1])}.".encode(),
    b"\x84"
    + json.dumps({"access_token": "x", "expires_in": 3599, "token_type": "Bearer", "refresh_in": 1800}).encode(),
    b"\x87"
    + json.dumps({"error": "invalid_grant", "error_description": "AADSTS70000: no", "error_codes": [70000]}).encode(),
    json.dumps(
        {"value": json.dumps({"current": "r1", "previous": "r0"}), "id": "https://v/secrets/mstoken-a/1"}
    ).encode(),
    b"\x84"
    + json.dumps({"access_token": "x", "expires_on": "1800003600", "resource": "https://graph.microsoft.com"}).encode(),
    b"rediss://user:password@redis.example.com:6380/0?ssl_ca_certs=/ca.pem",
    b"https://graph.microsoft.com/.default",
    identity(0).pem(),
    identity(0).certificate.public_bytes(Encoding.DER),
    misnamed(identity(0).certificate),
    with_unknown_key(identity(0).certificate),
]

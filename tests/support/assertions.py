"""Signed assertions whose JSON is exactly what the test wrote, whether or not a library would write it so."""

from __future__ import annotations

import base64
import json
from typing import Any

from joserfc.jws import JWSRegistry


def compact(header: dict[str, Any] | str, claims: dict[str, Any] | str, key: Any) -> str:
    """Return a compact JWS, signed with a joserfc key by its header's `alg`. JSON given as text stays unchanged."""
    texts = [part if isinstance(part, str) else json.dumps(part, separators=(",", ":")) for part in (header, claims)]
    algorithm = json.loads(texts[0])["alg"]
    signed = ".".join(_base64url(text.encode()) for text in texts)
    return f"{signed}.{_base64url(JWSRegistry(algorithms=[algorithm]).get_alg(algorithm).sign(signed.encode(), key))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

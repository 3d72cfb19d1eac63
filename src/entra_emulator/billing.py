"""Exports of a partner's billing data: an operation that ends at its second poll, a manifest, and files with a SAS."""

import base64
import gzip
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlencode

from .ids import new_id

SAS_LIFETIME_IN = 12 * 3600
"""Seconds: between `skt` and `se` of the example in learn.microsoft.com/graph/api/partners-billing-manifest-get."""


@dataclass
class Export:
    """An export of `tenant`, a partner's id. `kind` is the path below `billing`, `wanted` the body of the request.

    `polls` is how often its operation was read. `rows` are the lines of each file.
    """

    tenant: str
    kind: str
    wanted: Mapping[str, Any]
    began_on: float
    rows: Sequence[Sequence[Mapping[str, Any]]] = ()
    polls: int = 0
    id: str = field(default_factory=new_id)
    manifest: str = field(default_factory=new_id)
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def failed(self) -> bool:
        """True if there is nothing to export."""
        return not self.rows

    @property
    def version(self) -> str:
        """The eTag: the same for the same data."""
        data = json.dumps([self.tenant, self.kind, dict(self.wanted), list(map(list, self.rows))], sort_keys=True)
        return hashlib.sha256(data.encode()).hexdigest()[:16]

    def sas(self, now: float) -> str:
        """Return the query of a SAS that is valid from now on."""
        ends = datetime.fromtimestamp(now + SAS_LIFETIME_IN, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return urlencode({"sv": "2021-08-06", "se": ends, "sr": "d", "sp": "rl", "sig": self._signature(ends)})

    def admits(self, query: str, now: float) -> bool:
        """True if the query has a SAS of this export whose time is not over."""
        found = {name: texts[0] for name, texts in parse_qs(query).items()}
        ends = found.get("se", "")
        if not hmac.compare_digest(found.get("sig", "").encode(), self._signature(ends).encode()):
            return False
        return datetime.strptime(ends, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp() > now

    def _signature(self, ends: str) -> str:
        return base64.b64encode(hmac.digest(self.key, ends.encode(), "sha256")).decode()

    def file_name(self, number: int) -> str:
        """Return the name of the file with this number, from 0. It contains the version."""
        return f"part-{number:05}-{self.version}.c000.json.gz"

    def file(self, name: str) -> bytes | None:
        """Return a file, compressed lines of JSON; None for another name."""
        for number, rows in enumerate(self.rows):
            if name == self.file_name(number):
                return _compressed("".join(f"{json.dumps(row)}\n" for row in rows))
        return None


@lru_cache(maxsize=64)
def _compressed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)

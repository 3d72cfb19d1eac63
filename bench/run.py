"""What each benchmark receives: the scale of the run, a folder, the token service, and ways to run clients."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

from bench.parameters import CLIENT_ID, SECRET, TENANT
from bench.processes import output_of, run_client

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.az import Az
    from bench.service import Service

T = TypeVar("T")

_MISLEADING = ("AZURE_", "MSTOKEN_", "SSL_", "REQUESTS_", "CURL_", "XDG_", "PYTHON")
"""Prefixes of environment variables that would lead a client to another place."""
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


class Scale(IntEnum):
    """How much runs: enough to see that it works, enough for a first impression, or what the page reports."""

    TINY = 0
    QUICK = 1
    FULL = 2


@dataclass
class Bench:
    """One run of the bench. `folder` belongs to the run and is in memory if the system has such a place."""

    scale: Scale
    folder: Path
    service: Service
    az: Az | None = None
    log: Callable[[str], None] = field(default=print)

    def pick(self, *, tiny: T, quick: T, full: T) -> T:
        """The value for this scale."""
        return (tiny, quick, full)[self.scale]

    def environment(self, url: str = "") -> dict[str, str]:
        """The environment of a client: the token service at `url`, the bench's certificates, a home of its own."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        runtime = self.folder / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_MISLEADING) and name.lower() not in _PROXIES
        }
        bundle = str(self.service.bundle)
        return {
            **inherited,
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(runtime),
            "SSL_CERT_FILE": bundle,
            "REQUESTS_CA_BUNDLE": bundle,
            "AZURE_AUTHORITY_HOST": url or self.service.url,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT_ID,
            "AZURE_CLIENT_SECRET": SECRET,
        }

    def authorities(self) -> str:
        """A folder with the bundle's authorities, one file each, in which OpenSSL finds each by its name.

        Raises Unavailable if there is no openssl command to lay it out.
        """
        folder = self.folder / "authorities"
        if not folder.exists():
            folder.mkdir()
            end = "-----END CERTIFICATE-----\n"
            for number, certificate in enumerate(self.service.bundle.read_text(encoding="utf-8").split(end)[:-1]):
                (folder / f"{number}.pem").write_text(certificate + end, encoding="utf-8")
            output_of(["openssl", "rehash", str(folder)], os.environ)
        return str(folder)

    def run_client(self, target: str, **arguments: Any) -> dict[str, float]:
        """Call `module:function` of bench.clients with `arguments` in a new process and return its numbers."""
        return run_client(target, self.environment(), arguments)

    def run_counted(self, target: str, url: str = "", **arguments: Any) -> dict[str, float]:
        """`run_client` with the service's `url`, and what the service counted during the run."""
        self.service.counts()
        numbers = self.run_client(target, url=url or self.service.url, **arguments)
        counts = self.service.counts()
        return {
            **numbers,
            "token_requests": counts["tokens"],
            "discovery_requests": counts["discovery"],
            "connections": counts["connections"],
        }

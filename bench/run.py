"""What every measure is given: the scale of the run, a folder, the token service, and ways to run contenders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.results import Unavailable
from bench.serving import ROOT, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.az import Az

T = TypeVar("T")

TENANT = "00000000-0000-4000-8000-000000000000"
CLIENT_ID = "6731de76-14a6-49ae-97bc-6eba6914391e"
SCOPE = "https://graph.microsoft.com/.default"
_LEADING_ELSEWHERE = ("AZURE_", "MSTOKEN_", "SSL_", "REQUESTS_", "CURL_", "XDG_", "PYTHON")
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


class Scale(IntEnum):
    """How much is run: enough to see that it works, a first impression, or what the page reports."""

    TINY = 0
    QUICK = 1
    FULL = 2


@dataclass
class Bench:
    """One run of the bench. `folder` is the run's own, in memory where the system has such a place."""

    scale: Scale
    folder: Path
    service: Service
    az: Az | None = None
    say: Callable[[str], None] = field(default=print)

    def pick(self, *, tiny: T, quick: T, full: T) -> T:
        """The value for this scale."""
        return (tiny, quick, full)[self.scale]

    def environment(self) -> dict[str, str]:
        """For contenders: nothing inherited that leads elsewhere, the bench's bundle trusted, a home of their own."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        runtime = self.folder / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_LEADING_ELSEWHERE) and name.lower() not in _PROXIES
        }
        bundle = str(self.service.bundle)
        return {
            **kept,
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(runtime),
            "SSL_CERT_FILE": bundle,
            "REQUESTS_CA_BUNDLE": bundle,
            "AZURE_AUTHORITY_HOST": self.service.url,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT_ID,
            "AZURE_CLIENT_SECRET": "not-a-secret",
        }

    def authorities(self) -> str:
        """The bundle's authorities in a folder as systems have them, where OpenSSL finds each by its name.

        Raises Unavailable where there is no openssl to lay it out.
        """
        folder = self.folder / "authorities"
        if not folder.exists():
            folder.mkdir()
            end = "-----END CERTIFICATE-----\n"
            for number, certificate in enumerate(self.service.bundle.read_text(encoding="utf-8").split(end)[:-1]):
                (folder / f"{number}.pem").write_text(certificate + end, encoding="utf-8")
            output_of(["openssl", "rehash", str(folder)], os.environ)
        return str(folder)

    def in_process(self, target: str, **arguments: Any) -> dict[str, float]:
        """Run `module:function` of bench.contenders with `arguments` in a fresh process; what it returns."""
        command = [sys.executable, "-m", "bench.child", f"bench.contenders.{target}", json.dumps(arguments)]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False, timeout=1800
        )
        if done.returncode:
            raise Unavailable(f"it failed: {_last_line(done.stderr)}")
        numbers: dict[str, float] = json.loads(done.stdout)
        return numbers

    def asking(self, target: str, **arguments: Any) -> dict[str, float]:
        """`in_process` with the service's `url`, and what the service counted meanwhile."""
        self.service.counts()
        numbers = self.in_process(target, url=self.service.url, **arguments)
        counts = self.service.counts()
        return {
            **numbers,
            "token_requests": counts["tokens"],
            "discovery_requests": counts["discovery"],
            "connections": counts["connections"],
        }


def timed_command(command: list[str], env: Mapping[str, str]) -> dict[str, float]:
    """Wall time of a command, its output thrown away. Raises Unavailable when it fails."""
    nowhere = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    started = time.perf_counter()
    process = os.posix_spawn(command[0], command, env, file_actions=nowhere)
    _, status = os.waitpid(process, 0)
    seconds = time.perf_counter() - started
    if status:
        output_of(command, env)  # says what is wrong
        raise Unavailable(f"{Path(command[0]).name} failed only when it was timed (status {status})")
    return {"seconds": seconds}


def output_of(command: list[str], env: Mapping[str, str]) -> str:
    """What a command prints. Raises Unavailable when it fails, with its last words."""
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=600)
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise Unavailable(f"{Path(command[0]).name} ended with {done.returncode}: {_last_line(done.stderr)}")
    return done.stdout


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"

"""mstoken is a guest: it gives tokens and leaves the process alone, in threads, loops, forks and at the end.

Each shape of tests/support/host_shapes.py runs in processes of its own, three times here and 25 times in `make crash`
(CRASH_RUNS), on every supported Python that is installed.
"""

from __future__ import annotations

import importlib.util
import os
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.support import host_shapes, pythons
from tests.support.pythons import Python
from tests.support.token_service import RecordedRequest, Reply, TokenService, token_reply

RUNS = int(os.environ.get("CRASH_RUNS", "3"))
_PROGRAM = "from tests.support import host_shapes; host_shapes.main()"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A token service over TLS whose tokens are their tenants' names, and the authority to trust."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusted = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    served = TokenService(tls)
    served.script = [_reply]
    yield served.url, trusted
    served.close()


def _reply(received: RecordedRequest) -> Reply:
    tenant = received.path.split("/")[1]
    return Reply(200, token_reply().body, delay=90) if tenant.endswith(host_shapes.SLOW) else token_reply(tenant)


def _cases() -> Iterator[tuple[Python, str]]:
    """Every shape on every Python, except those that need what only this environment has."""
    for python in pythons.installed():
        for name in host_shapes.SHAPES:
            needed = host_shapes.ONLY_WITH.get(name, ())
            if all(importlib.util.find_spec(one) if python.is_this else one in pythons.EXTRA for one in needed):
                yield python, name


@pytest.mark.parametrize(
    ("python", "name"), [pytest.param(python, name, id=f"{python.version}-{name}") for python, name in _cases()]
)
def test_the_process_gets_its_tokens_and_exits_cleanly(
    python: Python, name: str, service: tuple[str, Path], tmp_path: Path
) -> None:
    """Exit code 0, every token, and nothing on standard error: no crash, no traceback, no warning."""
    url, trusted = service
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SSL_CERT_FILE": str(trusted)}
    environment |= {"PYTHONPATH": python.path(), "PYTHONDONTWRITEBYTECODE": "1"}
    expected = (0, sorted(host_shapes.tenants(name)), "")
    for run in range(1, RUNS + 1):
        done = subprocess.run(
            [python.command, "-c", _PROGRAM, name, url],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=80,
            check=False,
        )
        assert (done.returncode, sorted(done.stdout.split()), done.stderr) == expected, f"run {run} of {RUNS}"

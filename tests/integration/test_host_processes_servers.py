"""Servers and workers that people run: 200 requests, each of which needs a token, and no process dies."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from tests.support.pythons import ROOT
from tests.support.redis_server import RedisServer
from tests.support.token_service import RecordedRequest, Reply, TokenService, token_reply

REQUESTS = 200
_AT_ONCE = 8
_APP = "tests.support.host_app"
_BAD_NEWS = re.compile(r"SIG(SEGV|ABRT|KILL|BUS)|Traceback|WorkerLost|prematurely|Child process \[\d+\] died")
_GUNICORN = ["gunicorn", f"{_APP}:wsgi", "--workers", "2", "--bind"]
_UVICORN = ["uvicorn", f"{_APP}:asgi", "--workers", "2", "--log-level", "warning", "--uds"]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket, which no other test can take."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket."""
    made = Path(tempfile.mkdtemp(prefix="mstoken-host-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def environment(folder: Path) -> Iterator[dict[str, str]]:
    """What the application finds: a token service over TLS whose tokens are their tenants' names."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    service = TokenService(tls)
    service.script = [_reply]
    yield {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "SSL_CERT_FILE": str(folder / "ca.pem"),
        "HOST_APP_URL": service.url,
    }
    service.close()


def _reply(received: RecordedRequest) -> Reply:
    return token_reply(received.path.split("/")[1])


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command while the block runs; then SIGTERM, on which it has to end well and to have logged no death."""
    program = [sys.executable, "-m", *command]
    with log.open("wb") as out:
        process = subprocess.Popen(program, env=environment, cwd=log.parent, stdout=out, stderr=out)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    finally:
        process.kill()
        process.wait()
    logged = log.read_text(encoding="utf-8")
    assert (code, _BAD_NEWS.search(logged)) == (0, None), logged


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for a server to answer."""
    until = time.monotonic() + 60
    while not ready():
        assert process.poll() is None, log.read_text(encoding="utf-8")
        assert time.monotonic() < until, log.read_text(encoding="utf-8")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        pytest.param(_GUNICORN, ["/"], id="gunicorn-sync"),
        pytest.param([*_GUNICORN[:-1], "--max-requests", "30", "--bind"], ["/"], id="gunicorn-sync-short-lived"),
        pytest.param([*_GUNICORN[:-1], "--threads", "4", "--bind"], ["/"], id="gunicorn-threads"),
        pytest.param([*_GUNICORN[:-1], "--preload", "--bind"], ["/"], id="gunicorn-preload"),
        pytest.param([*_GUNICORN[:-1], "--preload", "--threads", "4", "--bind"], ["/"], id="gunicorn-preload-threads"),
        pytest.param([*_GUNICORN[:-1], "--worker-class", "gevent", "--bind"], ["/"], id="gunicorn-gevent"),
        pytest.param(_UVICORN, ["/in-a-thread/", "/in-the-loop/"], id="uvicorn"),
    ],
)
def test_a_web_server_answers_every_request(
    command: list[str], paths: list[str], environment: dict[str, str], folder: Path
) -> None:
    """Each answer is the token of the tenant in the path, from whichever worker."""
    path, log = f"{folder}/socket", folder / "log"
    if "--preload" in command:
        environment["HOST_APP_PRELOADED"] = "1"

    def ready() -> bool:
        try:
            return bool(_answer(path, f"{paths[0]}ready.example"))
        except OSError:
            return False

    place = f"unix:{path}" if command[-1] == "--bind" else path
    with running([*command, place], environment, log) as process:
        wait_until(ready, process, log)
        tenants = [f"tenant-{number}.example" for number in range(REQUESTS)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            asked = [f"{paths[number % len(paths)]}{tenant}" for number, tenant in enumerate(tenants)]
            answers = list(pool.map(lambda url: _answer(path, url), asked))
        assert [answer.strip('"') for answer in answers] == tenants


def test_celery_workers_run_every_task(environment: dict[str, str], folder: Path) -> None:
    """The prefork pool: the application is loaded, and its client used, before the workers are forked."""
    redis = RedisServer()
    try:
        environment["HOST_APP_REDIS"] = redis.url.replace("unix://", "redis+socket://")
        environment["HOST_APP_PRELOADED"] = "1"
        log = folder / "log"
        worker = [
            "celery",
            "--app",
            f"{_APP}:queue",
            "worker",
            "--pool",
            "prefork",
            "--concurrency",
            "2",
            "--loglevel",
            "INFO",
        ]
        with running(worker, environment, log) as process:
            wait_until(lambda: " ready." in log.read_text(encoding="utf-8"), process, log)
            tenants = [f"tenant-{number}.example" for number in range(REQUESTS)]
            assert _results_of_tasks(tenants, environment) == tenants
    finally:
        redis.close()


_SENDER = """
import json, sys
from tests.support.host_app import token_of
results = [token_of.delay(tenant) for tenant in json.load(sys.stdin)]
print(json.dumps([result.get(timeout=60) for result in results]))
"""


def _results_of_tasks(tenants: list[str], environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _SENDER],
        input=json.dumps(tenants),
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results: list[str] = json.loads(done.stdout)
    return results


def _answer(path: str, url: str) -> str:
    connection = UnixConnection(path)
    try:
        connection.request("GET", url)
        response = connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, text
    finally:
        connection.close()
    return text

"""The local token service in this process: dialects, who may ask, limits, and what it survives."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.at_entra import NADIA, VISUAL_STUDIO

from entra_emulator import Emulator
from mstoken import Client, UsageError
from mstoken.credentials import RefreshToken
from mstoken.integrations.serving import http, listener
from mstoken.integrations.serving.arc_keys import MAX_KEYS, ArcKeys
from mstoken.integrations.serving.callers import Peer, is_admitted, peer_of
from mstoken.integrations.serving.service import Service, check_plan, parse_plan
from mstoken.protocol.jwt import decode

ARM = "https://management.azure.com"
METADATA = {"Metadata": "true"}
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc/net/tcp")


class Served:
    """A service with one endpoint, the lines of its log, and requests to it."""

    def __init__(self, service: Service, lines: list[str]) -> None:
        self.service, self.lines = service, lines
        self.endpoint = service.endpoints[0]
        self.variables = self.endpoint.variables

    def connect(self) -> socket.socket:
        address = self.endpoint.listener.address
        if address.path:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.connect(address.path)
            return made
        return socket.create_connection((address.host, address.port), timeout=20)

    def send(self, raw: bytes) -> tuple[int, dict[str, str], bytes]:
        with closing(self.connect()) as connection:
            connection.settimeout(20)
            connection.sendall(raw)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        return int(first.split()[1]), headers, body

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, Any]:
        made = {"Host": "localhost"} | (headers or {})
        lines = "".join(f"{name}: {text}\r\n" for name, text in made.items())
        status, _, body = self.send(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())
        return status, json.loads(body) if body else None

    def token(self, more: str = "", headers: dict[str, str] | None = None) -> tuple[int, Any]:
        if self.endpoint.plan.dialect == "app-service":
            given = {"X-IDENTITY-HEADER": self.variables["IDENTITY_HEADER"]} | (headers or {})
            return self.get(f"/msi/token?api-version=2019-08-01&resource={ARM}{more}", given)
        path = f"/metadata/identity/oauth2/token?api-version=2018-02-01&resource={ARM}{more}"
        return self.get(path, METADATA | (headers or {}))


@pytest.fixture
def client(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    for name, text in entra.environment().items():
        monkeypatch.setenv(name, text)
    with Client.default() as made:
        yield made


Serve = Callable[..., Served]


@pytest.fixture
def serve(client: Client) -> Iterator[Serve]:
    services: list[Service] = []

    def start(plan: str = "app-service", clients: dict[str, Client] | None = None, **more: Any) -> Served:
        lines: list[str] = []
        known = {"": client} | (clients or {})
        service = Service([parse_plan(plan)], known.__getitem__, lines.append, **more)
        services.append(service)
        return Served(service.__enter__(), lines)

    yield start
    for service in services:
        service.close()


@pytest.mark.parametrize("dialect", ["app-service", pytest.param("imds", marks=linux)])
def test_a_dialect_gives_a_token(serve: Serve, client: Client, dialect: str) -> None:
    served = serve(dialect)
    status, body = served.token()
    assert status == 200
    assert decode(body["access_token"]).claims["aud"].startswith(ARM)
    assert (body["resource"], body["token_type"], body["client_id"]) == (ARM, "Bearer", client.client_id)
    assert body["expires_on"].isdecimal()
    assert all(isinstance(text, str) for text in body.values())
    assert served.token()[1]["access_token"] == body["access_token"]
    assert served.token(f"&client_id={client.client_id.upper()}")[0] == 200
    assert body["access_token"] not in "".join(served.lines)
    assert f" GET {served.endpoint.plan.name}" not in served.lines[0]
    assert f"resource={ARM}" in served.lines[0]


@linux
def test_azure_arc_wants_the_content_of_a_file(serve: Serve, client: Client, tmp_path: Path) -> None:
    """Each key is valid once, and only our user can read its file; the named identity is confirmed."""
    served = serve("azure-arc=0", arc_keys=str(tmp_path))
    path = f"/metadata/identity/oauth2/token?api-version=2020-06-01&resource={ARM}"
    raw = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nMetadata: true\r\n\r\n".encode()
    status, headers, _ = served.send(raw)
    assert status == 401
    key = Path(headers["www-authenticate"].removeprefix("Basic realm="))
    assert (key.parent, key.suffix, key.stat().st_mode & 0o777) == (tmp_path, ".key", 0o600)
    content = key.read_text()
    named = f"{path}&client_id={client.client_id}"
    status, body = served.get(named, METADATA | {"Authorization": f"Basic {content}"})
    assert (status, body["client_id"]) == (200, client.client_id)
    assert not key.exists()
    assert served.get(path, METADATA | {"Authorization": f"Basic {content}"})[0] == 401
    assert served.get(path, METADATA | {"Authorization": "Basic wrong"})[0] == 401
    assert content not in "".join(served.lines)
    served.service.close()
    assert list(tmp_path.iterdir()) == []


def test_keys_are_bounded(tmp_path: Path) -> None:
    keys = ArcKeys(str(tmp_path))
    for _ in range(MAX_KEYS + 5):
        keys.create()
    assert len(list(tmp_path.iterdir())) == MAX_KEYS


@pytest.mark.parametrize(
    ("path", "headers", "method", "status"),
    [
        ("/msi/token?api-version=2019-08-01&resource=x", {"X-IDENTITY-HEADER": "wrong"}, "GET", 401),
        ("/msi/token?api-version=2019-08-01&resource=x", {}, "GET", 401),
        ("/msi/token?api-version=2017-09-01&resource=x", None, "GET", 400),
        ("/msi/token?api-version=2019-08-01", None, "GET", 400),
        ("/msi/token?api-version=2019-08-01&resource=x&client_id=nobody", None, "GET", 400),
        ("/msi/token?api-version=2019-08-01&resource=%20", None, "GET", 400),
        ("/msi/token?resource=%ff", None, "GET", 400),
        ("/msi/token", None, "POST", 405),
        ("/", None, "GET", 404),
    ],
)
def test_what_app_service_refuses(
    serve: Serve, path: str, headers: dict[str, str] | None, method: str, status: int
) -> None:
    served = serve()
    secret = {"X-IDENTITY-HEADER": served.variables["IDENTITY_HEADER"]}
    found, body = served.get(path, secret if headers is None else headers, method)
    assert found == status
    assert body is None or body["statusCode"] == status


@linux
@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("?api-version=2018-02-01&resource=x", {"Metadata": "false"}, 400),
        ("?api-version=2018-02-01&resource=x", {"X-Forwarded-For": "10.0.0.1"} | METADATA, 400),
        ("?resource=x", METADATA, 400),
        ("?api-version=2018-02-01", METADATA, 400),
        ("?api-version=2018-02-01&resource=x&msi_res_id=/a/b/nobody", METADATA, 400),
        ("/else", METADATA, 404),
    ],
)
def test_what_imds_refuses(serve: Serve, path: str, headers: dict[str, str], status: int) -> None:
    found, body = serve("imds").get(f"/metadata/identity/oauth2/token{path}", headers)
    assert found == status
    assert body["error"]


@pytest.mark.parametrize("dialect", ["app-service", pytest.param("imds", marks=linux)])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "rebound.example"},
        {"Host": "rebound.example:80"},
        {"Host": "localhost.evil.example"},
        {"Host": ""},
    ],
    ids=str,
)
def test_a_web_page_gets_nothing(serve: Serve, dialect: str, headers: dict[str, str]) -> None:
    """A page's request, and one to a name that a page's own DNS server leads here, with everything else right."""
    served = serve(dialect)
    assert served.token(headers=headers) == (403, None)
    assert served.token()[0] == 200


def test_a_host_of_ones_choice_is_let_in(serve: Serve) -> None:
    served = serve(hosts=["host.docker.internal"])
    assert served.token(headers={"Host": "HOST.docker.internal:8181"})[0] == 200


@linux
@pytest.mark.parametrize("plan", ["imds", "imds=[::1]:0", "unix"])
def test_another_users_process_gets_nothing(serve: Serve, tmp_path: Path, plan: str) -> None:
    """A process of the user nobody; the same request of our own user works."""
    if os.geteuid():
        pytest.skip("only root can start a process of another user")
    where = tmp_path / "imds.sock"
    served = serve(f"imds=unix:{where}" if plan == "unix" else plan)
    address = served.endpoint.listener.address
    code = (
        "import socket,sys;"
        "s=socket.socket(socket.AF_UNIX) if sys.argv[1]=='unix' else "
        "socket.create_connection((sys.argv[1],int(sys.argv[2])));"
        "sys.argv[1]=='unix' and s.connect(sys.argv[2]);"
        f"s.sendall(b'GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource={ARM} HTTP/1.1\\r\\n"
        "Host: localhost\\r\\nMetadata: true\\r\\n\\r\\n');print(s.recv(40).decode())"
    )
    arguments = ["unix", str(where)] if plan == "unix" else [address.host, str(address.port)]
    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable

    def run(user: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-c", code, *arguments],
            user=user,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd="/",
        )

    assert " 200 " in run(0).stdout
    refused = run(65534)
    assert " 403 " in refused.stdout or "PermissionError" in refused.stderr, refused
    assert (where.stat().st_mode & 0o777 == 0o600) if plan == "unix" else True


@linux
def test_a_process_never_asks_itself() -> None:
    """Else a service at IMDS's address whose own identity is IMDS's would wait for itself for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        accepted, _ = server.accept()
        with accepted:
            peer = peer_of(accepted)
            assert peer is not None
            assert peer.uid == os.geteuid()
            assert os.fstat(ours.fileno()).st_ino == peer.inode
            assert not is_admitted(peer)
    assert not is_admitted(None)
    assert not is_admitted(Peer(os.geteuid() + 1 or 1))
    assert is_admitted(Peer(os.geteuid()))


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests ask from the service's own process."""
    monkeypatch.setattr("mstoken.integrations.serving.callers._is_ours", lambda _: False)


@pytest.fixture(autouse=True)
def _asked_from_this_process(request: pytest.FixtureRequest) -> None:
    if request.function.__name__ != "test_a_process_never_asks_itself":
        request.getfixturevalue("outside")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"rubbish\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET http://localhost/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n", 413),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 40_000 + b"\r\n\r\n", 431),
    ],
    ids=lambda one: str(one)[:60],
)
def test_garbage_is_refused(serve: Serve, raw: bytes, status: int) -> None:
    served = serve()
    assert served.send(raw)[0] == status
    assert served.token()[0] == 200


def test_a_slow_request_is_ended(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it stops, or sends a byte now and then; connections beyond the limit wait and are served."""
    monkeypatch.setattr(http, "READ_TIMEOUT_IN", 0.5)
    served = serve()
    idle = [served.connect() for _ in range(listener.MAX_CONNECTIONS)]
    assert served.token()[0] == 200
    for connection in idle:
        assert b" 408 " in connection.recv(100)
        connection.close()


def test_several_identities(serve: Serve, entra: Emulator, client: Client) -> None:
    """An endpoint gives tokens of its profiles only; the first is the default one."""
    user = Client(
        entra.state.default_tenant.id,
        VISUAL_STUDIO,
        RefreshToken(entra.sign_in(NADIA, VISUAL_STUDIO)),
        client.authority,
    )
    served = serve("app-service@work,build", {"work": user, "build": client})
    assert "upn" in decode(served.token()[1]["access_token"]).claims
    for name in ("build", client.client_id):
        assert "upn" not in decode(served.token(f"&client_id={name}")[1]["access_token"]).claims
    assert served.token("&mi_res_id=/subscriptions/s/userAssignedIdentities/build")[0] == 200
    assert served.token("&object_id=other")[0] == 400


def test_a_revoked_sign_in(serve: Serve, entra: Emulator, client: Client) -> None:
    """The caller is told what to do, does not repeat the request, and the service goes on."""
    user = Client(
        entra.state.default_tenant.id,
        VISUAL_STUDIO,
        RefreshToken(entra.sign_in(NADIA, VISUAL_STUDIO)),
        client.authority,
    )
    entra.revoke(NADIA)
    served = serve("app-service@work,build", {"work": user, "build": client})
    status, body = served.token()
    assert status == 400
    assert "sign in" in body["message"].lower()
    assert "SignInRequired" in served.lines[0]
    assert served.token("&client_id=build")[0] == 200


def test_ten_thousand_requests(serve: Serve) -> None:
    """From eight threads; no thread, no file and no connection is left."""
    served = serve()
    served.token()
    raw = (
        f"GET /msi/token?api-version=2019-08-01&resource={ARM} HTTP/1.1\r\nHost: localhost\r\n"
        f"X-IDENTITY-HEADER: {served.variables['IDENTITY_HEADER']}\r\n\r\n"
    ).encode()
    statuses: list[int] = []

    def ask() -> None:
        for _ in range(1250):
            statuses.append(served.send(raw)[0])  # noqa: PERF401 - each is counted when it has come

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(statuses), set(statuses)) == (10_000, {200})
    served.service.close()
    assert not [one for one in threading.enumerate() if one.name == "mstoken-serve"]


@pytest.mark.parametrize(
    "plan",
    [
        "app",
        "imds@",
        "imds@a,",
        "imds=",
        "imds=x",
        "imds=70000",
        "imds=0.0.0.0:80",
        "app-service=[::]:80",
        "imds=unix:",
        "imds=localhost:80",
    ],
)
def test_a_plan_that_is_refused(plan: str) -> None:
    with pytest.raises(UsageError):
        parse_plan(plan)


@pytest.mark.parametrize("plan", ["imds=10.0.0.1:80", "azure-arc=192.168.0.1:1", "app-service=unix:/x"])
def test_protection_that_would_not_work_is_refused(plan: str) -> None:
    with pytest.raises(UsageError):
        check_plan(parse_plan(plan))


def test_where_the_system_does_not_name_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS and Windows: a dialect without a secret needs a Unix socket there."""
    monkeypatch.setattr("mstoken.integrations.serving.callers.can_name_tcp_peers", lambda: False)
    with pytest.raises(UsageError, match="does not say whose process"):
        check_plan(parse_plan("imds"))
    check_plan(parse_plan("imds=unix:/x"))
    check_plan(parse_plan("app-service"))


def test_addresses() -> None:
    assert urlsplit(f"http://{parse_plan('imds=[::1]:8080').address.text}").hostname == "::1"
    assert parse_plan("azure-arc").address.port == 40342
    assert parse_plan("app-service=8181").address.host == "127.0.0.1"

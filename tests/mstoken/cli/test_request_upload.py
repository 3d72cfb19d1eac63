"""`mstoken request --upload`: a large file in parts, and a run that was killed in the middle."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.program import MSTOKEN, Program, RunResult
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply
from tests.support.upload_storage import Storage

from mstoken.rest.facts import facts

PART = int(facts("uploads")["drive"]["part"])
SESSION = "/drives/1/root:/big.bin:/createUploadSession"


class Uploads:
    """The program, a service that begins sessions, the storage behind it, and a file of two parts."""

    def __init__(self, folder: Path, service: TokenService) -> None:
        self.program, self.service = Program(folder), service
        self.content = bytes(range(256)) * (PART // 256 + 20)
        (folder / "big.bin").write_bytes(self.content)
        self.storage = Storage(len(self.content))
        service.script = [self.reply]
        self.program.environment |= {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT_ID,
            "AZURE_CLIENT_SECRET": "not-a-secret",
        }

    def reply(self, request: RecordedRequest) -> Reply:
        if request.path.endswith("/token"):
            return token_reply()
        if request.path == SESSION:
            return Reply(200, {"uploadUrl": f"{self.storage.service.url}/up/secret-1"})
        return Reply(201, {"size": len(request.body), "type": request.headers.get("Content-Type")})

    def words(self, method: str, path: str, *arguments: str) -> list[str]:
        url = self.service.url
        return ["request", method, url + path, "--scope", "graph", "--origin", url, "--authority", url, *arguments]

    def __call__(self, method: str, path: str, *arguments: str) -> RunResult:
        return self.program(*self.words(method, path, *arguments))


@pytest.fixture
def uploads(tmp_path: Path, token_service: TokenService) -> Iterator[Uploads]:
    found = Uploads(tmp_path, token_service)
    yield found
    found.storage.service.close()


def test_a_killed_upload_continues_with_the_same_command(uploads: Uploads, tmp_path: Path) -> None:
    """After SIGKILL, the session is asked what it lacks, and only that is sent."""
    reached, over = threading.Event(), threading.Event()

    def hangs(request: RecordedRequest) -> Reply:
        reached.set()
        over.wait(60)
        return Reply(500, {})

    uploads.storage.faults = [None, hangs]
    process = subprocess.Popen(
        [MSTOKEN, *uploads.words("POST", SESSION, "--upload", "big.bin")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env=uploads.program.environment,
    )
    try:
        assert reached.wait(60)
    finally:
        process.kill()
        process.wait(60)
        over.set()
    assert uploads.storage.content == uploads.content[:PART]
    before = len(uploads.storage.service.requests)
    done = uploads("POST", SESSION, "--upload", "big.bin", "--debug")
    assert (done.code, done.out) == (0, '{"id": "item-1"}')
    assert uploads.storage.content == uploads.content
    sent = uploads.storage.service.requests[before:]
    assert [(one.method, len(one.body)) for one in sent] == [("GET", 0), ("PUT", len(uploads.content) - PART)]
    assert "secret-1" not in done.err
    assert "request: PUT " in done.err


def test_the_fields_begin_the_session(uploads: Uploads) -> None:
    done = uploads("POST", SESSION, "--upload", "big.bin", "-F", "item[name]=other.bin")
    assert (done.code, uploads.storage.content == uploads.content) == (0, True)
    [began] = [one for one in uploads.service.requests if one.path == SESSION]
    assert began.body == b'{"item": {"name": "other.bin"}}'


def test_a_small_file_is_the_body(uploads: Uploads, tmp_path: Path) -> None:
    (tmp_path / "small.txt").write_text("small")
    done = uploads("PUT", "/me/photo/$value", "--upload", "small.txt", "-H", "Content-Type: text/plain")
    assert (done.code, done.out) == (0, '{"size": 5, "type": "text/plain"}')


def test_a_line_may_name_a_file_to_upload(uploads: Uploads, tmp_path: Path) -> None:
    (tmp_path / "small.txt").write_text("small")
    words = uploads.words("", "", "--stdin")[3:]
    line = f'{{"url": "{uploads.service.url}/items", "upload": "small.txt"}}\n'
    done = uploads.program("request", *words, stdin=line)
    assert (done.code, '"status": 201' in done.out) == (0, True), done.err
    sent = uploads.service.requests[-1]
    assert (sent.method, sent.body) == ("PUT", b"small")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("GET", "/x"), "which GET does not"),
        (("PUT", "/x", "--all"), "--upload and --all exclude"),
        (("PUT", "/x", "--save", "y"), "--upload and --save exclude"),
        (("PUT", "/x", "-d", "body"), "--upload is the body"),
        (("POST", SESSION, "-d", "text"), "is JSON"),
    ],
)
def test_what_does_not_fit_is_refused(uploads: Uploads, arguments: tuple[str, ...], said: str) -> None:
    done = uploads(*arguments[:2], *arguments[2:], "--upload", "big.bin")
    assert (done.code, said in done.err) == (2, True), done.err
    assert uploads.service.requests == []

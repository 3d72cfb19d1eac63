"""Downloads: memory, interruptions, and what is on the disk at each time."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService

from mstoken import ClientSecret, TransportError, UnreadableAnswer, UsageError
from mstoken.protocol.http import HttpRequest, HttpResponse
from mstoken.rest.partial_file import PartialFile

CONTENT = bytes(range(256)) * 1000
ETAG = '"v1"'


def file_server(content: bytes = CONTENT, etag: str = ETAG) -> Any:
    """Return a reply that serves ranges by RFC 9110 section 14."""

    def reply(request: RecordedRequest) -> Reply:
        wanted, headers = request.headers.get("Range", ""), {"ETag": etag}
        if not wanted or request.headers.get("If-Range") != etag:
            return Reply(200, content, headers)
        first = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if first >= len(content):
            return Reply(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        part = f"bytes {first}-{len(content) - 1}/{len(content)}"
        return Reply(206, content[first:], {**headers, "Content-Range": part})

    return reply


def cut_off(content: bytes = CONTENT[:100_000], etag: str = ETAG, total: int = len(CONTENT)) -> Reply:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {total}\r\nETag: {etag}\r\n\r\n"
    return Reply(raw=head.encode() + content)


class Story:
    """A client, an API, and the folder of the file."""

    def __init__(self, runner: Runner, token_service: TokenService, api: TokenService, folder: Path) -> None:
        self.runner, self.api, self.path = runner, api, folder / "file.bin"
        self.client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
        self.slept = use_fake_clock(self.client)
        self.seen: list[tuple[int, int | None]] = []

    def get(self, *replies: Any, **options: Any) -> Any:
        self.api.script = list(replies)
        given = {"scope": "graph", "origin": self.api.url, "on_progress": self.saw} | options
        return self.runner.run(lambda: self.client.download(f"{self.api.url}/file", str(self.path), **given))

    def saw(self, done: int, total: int | None) -> None:
        self.seen.append((done, total))

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())

    @property
    def ranges(self) -> list[str]:
        return [request.headers.get("Range", "") for request in self.api.requests]


@pytest.fixture
def story(runner: Runner, token_service: TokenService, tmp_path: Path) -> Iterator[Story]:
    api = TokenService()
    (tmp_path / "target").mkdir()
    yield Story(runner, token_service, api, tmp_path / "target")
    api.close()


def test_the_file_is_whole_and_nothing_else_is_left(story: Story) -> None:
    response = story.get(file_server())
    assert (response.status, response.body, response.headers["etag"]) == (200, b"", ETAG)
    assert (story.path.read_bytes(), story.left) == (CONTENT, ["file.bin"])
    assert story.seen[-1] == (len(CONTENT), len(CONTENT))
    assert story.api.requests[0].headers["Authorization"] == "Bearer token-1"


def test_memory_holds_little_of_a_large_file(story: Story) -> None:
    size = 64 * 1024 * 1024
    content = bytes(size)
    tracemalloc.start()
    try:
        story.get(file_server(content))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert story.path.stat().st_size == size
    assert peak < size / 4


def test_only_the_rest_is_requested_after_an_interruption(story: Story) -> None:
    """The file keeps its name for the end; until then there is nothing under it."""
    story.get(cut_off(), file_server())
    assert story.path.read_bytes() == CONTENT
    [first, second] = story.ranges
    assert (first, second.startswith("bytes=")) == ("", True)
    assert 0 < int(second[6:-1]) <= 100_000
    assert story.api.requests[1].headers["If-Range"] == ETAG
    assert (len(story.slept), story.left) == (1, ["file.bin"])


def test_a_later_call_continues_where_the_first_one_ended(story: Story) -> None:
    with pytest.raises(TransportError):
        story.get(cut_off(), retries=0)
    assert story.left == [".file.bin.part", ".file.bin.part.json"]
    assert story.api.url not in (story.path.parent / ".file.bin.part.json").read_text()
    story.get(file_server())
    assert story.path.read_bytes() == CONTENT
    assert story.ranges[-1].startswith("bytes=")
    assert story.left == ["file.bin"]


@pytest.mark.parametrize("etag", ['"v2"', 'W/"v1"', ""])
def test_a_file_that_may_have_changed_comes_again_whole(story: Story, etag: str) -> None:
    """Two versions are never joined. A weak ETag, or none, cannot tell that every byte is the same."""
    story.get(
        cut_off(b"x" * 100_000, etag="" if not etag else 'W/"v1"' if etag[0] == "W" else ETAG), file_server(etag=etag)
    )
    assert story.path.read_bytes() == CONTENT


def test_the_rest_of_another_file_is_not_taken(story: Story) -> None:
    """Of what an earlier download left, only that of the same URL counts."""
    with pytest.raises(TransportError):
        story.get(cut_off(), retries=0)
    part = story.path.with_name(".file.bin.part")
    assert PartialFile(str(story.path), "https://other/", None, resumable=True).headers() == {}
    again = PartialFile(str(story.path.with_name("other.bin")), f"{story.api.url}/file", None, resumable=True)
    assert again.headers() == {}
    assert part.exists()


def test_without_a_way_to_continue_nothing_is_left(story: Story) -> None:
    with pytest.raises(TransportError):
        story.get(cut_off(etag=""), retries=0)
    assert story.left == []


def test_interruptions_end_with_the_retries(story: Story) -> None:
    story.path.write_bytes(b"before")
    with pytest.raises(TransportError):
        story.get(cut_off(etag=""), retries=2)
    assert len(story.api.requests) == 3
    assert story.path.read_bytes() == b"before"


def test_an_error_is_returned_with_its_body_and_writes_nothing(story: Story) -> None:
    response = story.get(Reply(404, {"error": {"code": "itemNotFound"}}))
    assert (response.status, response.json()["error"]["code"], story.left) == (404, "itemNotFound", [])


def test_a_part_that_is_larger_than_the_file_is_dropped(story: Story) -> None:
    with pytest.raises(TransportError):
        story.get(cut_off(), retries=0)
    story.path.with_name(".file.bin.part").write_bytes(CONTENT + b"more")
    story.get(file_server())
    assert story.path.read_bytes() == CONTENT
    assert [bool(one) for one in story.ranges[-2:]] == [True, False]


def test_another_part_than_the_rest_is_an_error(story: Story) -> None:
    with pytest.raises(TransportError):
        story.get(cut_off(), retries=0)
    with pytest.raises(UnreadableAnswer, match="another part"):
        story.get(Reply(206, b"abc", {"Content-Range": "bytes 0-2/256000"}))
    assert not story.path.exists()


def test_a_part_in_several_responses_is_joined(story: Story) -> None:
    """A server may send less than the range that was requested (RFC 9110 section 15.3.7)."""

    def half(request: RecordedRequest) -> Reply:
        first = int(request.headers["Range"][6:-1])
        part = f"bytes {first}-{first + 9999}/{len(CONTENT)}"
        return Reply(206, CONTENT[first : first + 10_000], {"ETag": ETAG, "Content-Range": part})

    story.get(cut_off(), half, half, file_server())
    assert story.path.read_bytes() == CONTENT


def test_a_compressed_body_is_decoded(story: Story) -> None:
    packed = gzip.compress(CONTENT * 20)
    story.get(Reply(200, packed, {"Content-Encoding": "gzip", "ETag": ETAG}))
    assert hashlib.sha256(story.path.read_bytes()).digest() == hashlib.sha256(CONTENT * 20).digest()
    story.get(Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed[:-500]), file_server())
    assert story.path.read_bytes() == CONTENT


def test_a_redirect_elsewhere_gets_the_range_and_no_token(story: Story) -> None:
    """As a drive's download: the interrupted one begins again at the API, whose pre-authenticated URLs expire."""
    storage = TokenService()
    try:
        storage.script = [cut_off(), file_server()]
        story.get(Reply(302, b"", {"Location": f"{storage.url}/blob?sig=x"}))
        assert story.path.read_bytes() == CONTENT
        assert [request.headers.get("Authorization") for request in storage.requests] == [None, None]
        assert storage.requests[1].headers["Range"].startswith("bytes=")
        assert len(story.api.requests) == 2
    finally:
        storage.close()


def test_a_range_of_the_caller_is_saved_as_it_comes(story: Story) -> None:
    story.get(Reply(206, b"abc", {"Content-Range": "bytes 0-2/9", "ETag": ETAG}), headers={"Range": "bytes=0-2"})
    assert story.path.read_bytes() == b"abc"


@pytest.mark.parametrize("what", ["folder", "missing"])
def test_a_file_that_cannot_be_written_is_refused_before_the_request(story: Story, what: str) -> None:
    story.path = story.path.parent if what == "folder" else story.path.parent / "no" / "file"
    with pytest.raises(UsageError):
        story.get(file_server())
    assert story.api.requests == []


def test_two_downloads_into_one_file_exclude_each_other(story: Story) -> None:
    other = PartialFile(str(story.path), "https://other/", None, resumable=True)
    try:
        with pytest.raises(UsageError, match="Another process"):
            story.get(file_server())
    finally:
        other.close()


def test_an_error_of_on_progress_ends_the_download(story: Story) -> None:
    def fails(_: int, __: int | None) -> None:
        raise OSError("mine")

    with pytest.raises(UsageError, match="on_progress"):
        story.get(file_server(), on_progress=fails)
    assert not story.path.exists()


def test_a_transport_of_the_caller_needs_no_receiver(token_service: TokenService, tmp_path: Path) -> None:
    from mstoken import Client

    class Plain:
        def send(self, request: HttpRequest) -> HttpResponse:
            if "/token" in request.url:
                return HttpResponse(200, {}, b'{"token_type":"Bearer","access_token":"t","expires_in":3599}')
            return HttpResponse(200, {}, CONTENT)

        def close(self) -> None:
            """Nothing is open."""

    client = Client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url, transport=Plain())
    response = client.download("graph:/file", str(tmp_path / "file"), scope="graph")
    assert (response.body, (tmp_path / "file").read_bytes()) == (b"", CONTENT)

"""Uploads: the parts of a session, what continues it, and which requests get the token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService
from tests.support.upload_storage import Storage

from mstoken import ApiRefused, ClientSecret, UnreadableAnswer, UntrustedOrigin, UsageError
from mstoken.rest.facts import facts
from mstoken.rest.response import ApiResponse, Headers
from mstoken.rest.uploads import UploadSession, decoded_session, next_offset, upload_plan

PART = int(facts("uploads")["drive"]["part"])
MAIL = "https://graph.microsoft.com/v1.0/me/messages/1/attachments/createUploadSession"
DRIVE = "https://graph.microsoft.com/v1.0/me/drive/root:/a b.bin:/content"


class Story:
    """A client, the API that begins sessions, the storage behind them, and a file of two parts and a bit."""

    def __init__(self, runner: Runner, token_service: TokenService, api: TokenService, folder: Path) -> None:
        self.runner, self.api, self.file = runner, api, folder / "a b.bin"
        self.content = bytes(range(256)) * ((2 * PART + 5120) // 256)
        self.file.write_bytes(self.content)
        self.storage = Storage(len(self.content))
        self.client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
        self.slept = use_fake_clock(self.client)
        self.seen: list[tuple[int, int | None]] = []
        self.session = Reply(200, {"uploadUrl": f"{self.storage.service.url}/up/secret-1?t=2"})

    def send(self, *replies: Any, path: str = "/v1.0/drives/1/root:/x:/createUploadSession", **options: Any) -> Any:
        self.api.script = list(replies) or [self.session]
        given = {"scope": "graph", "origin": self.api.url, "on_progress": self.saw} | options
        url = f"{self.api.url}{path}"
        return self.runner.run(lambda: self.client.upload("POST", url, str(self.file), **given))

    def saw(self, done: int, total: int | None) -> None:
        self.seen.append((done, total))

    @property
    def ranges(self) -> list[str]:
        return [request.headers.get("Content-Range", request.method) for request in self.storage.service.requests]


@pytest.fixture
def story(
    runner: Runner, token_service: TokenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Story]:
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MSTOKEN_VAULT_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    api = TokenService()
    story = Story(runner, token_service, api, tmp_path)
    yield story
    api.close()
    story.storage.service.close()


def left(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "vault" / "uploads").glob("*"))


def test_the_parts_go_out_in_order_without_the_token(story: Story) -> None:
    response = story.send()
    assert (response.status, response.json()) == (201, {"id": "item-1"})
    assert story.storage.content == story.content
    size = len(story.content)
    assert story.ranges == [
        f"bytes 0-{PART - 1}/{size}",
        f"bytes {PART}-{2 * PART - 1}/{size}",
        f"bytes {2 * PART}-{size - 1}/{size}",
    ]
    assert all("Authorization" not in request.headers for request in story.storage.service.requests)
    assert story.api.requests[0].headers["Authorization"] == "Bearer token-1"
    assert story.seen == [(0, size), (PART, size), (2 * PART, size), (size, size)]
    assert "secret-1" not in f"{response.request_line} {response.url}"


def test_the_parts_that_the_service_names_are_sent(story: Story) -> None:
    """Its ranges win: it may have kept less than it was sent, and the end of a range is no size."""
    less = Reply(202, {"nextExpectedRanges": [f"{len(story.content) - 100}-{len(story.content) - 1}", "0-9"]})
    story.storage.faults = [less]
    story.send()
    assert story.storage.content == story.content
    assert story.ranges[0] == story.ranges[1]


def test_a_part_whose_response_was_lost_is_not_sent_twice(story: Story) -> None:
    story.storage.faults = [story.storage.take_and_cut]
    assert story.send().status == 201
    assert story.storage.content == story.content
    assert [one for one in story.ranges if one == "GET"] == ["GET"]


def test_a_busy_storage_is_waited_for(story: Story) -> None:
    story.storage.faults = [Reply(503, {}, {"Retry-After": "7"}), None, Reply(429, {}, {"Retry-After": "3"})]
    assert story.send().status == 201
    assert story.slept == [7, 3]


def test_a_session_that_has_ended_is_begun_again_once(story: Story) -> None:
    story.storage.faults = [Reply(404, {})]
    assert story.send().status == 201
    assert len(story.api.requests) == 2
    story.storage.gone, story.storage.content, story.storage.faults = True, b"", []
    assert story.send().status == 404
    assert len(story.api.requests) == 4


def test_a_file_that_may_be_complete_is_not_sent_again(story: Story) -> None:
    """The last part arrived, its response did not, and the session is gone: a second copy would be worse."""
    story.storage.faults = [None, None, story.storage.take_and_cut]
    with pytest.raises(ApiRefused, match="may be complete"):
        story.send()
    assert len(story.api.requests) == 1


@pytest.mark.parametrize("status", [400, 409, 507])
def test_an_error_is_returned(story: Story, status: int) -> None:
    story.storage.faults = [None, Reply(status, {"error": {"code": "nameAlreadyExists"}})]
    response = story.send()
    assert (response.status, response.json()["error"]["code"]) == (status, "nameAlreadyExists")
    assert "secret-1" not in str(response.error())


def test_an_error_of_the_first_request_is_returned(story: Story) -> None:
    assert story.send(Reply(403, {"error": {"code": "accessDenied"}})).status == 403
    assert story.ranges == []


def test_a_session_that_does_not_go_on_is_an_error(story: Story) -> None:
    story.storage.faults = [Reply(202, {"nextExpectedRanges": ["0-"]})] * 9
    with pytest.raises(UnreadableAnswer, match="does not go on"):
        story.send()
    story.storage.faults = [Reply(202, {"nextExpectedRanges": [f"{len(story.content)}-"]})]
    with pytest.raises(UnreadableAnswer, match="does not go on"):
        story.send()


@pytest.mark.parametrize("url", ["http://storage.example/up", "ftp://x/", "https://user@x/"])
def test_an_upload_url_in_clear_gets_nothing(story: Story, url: str) -> None:
    with pytest.raises((UntrustedOrigin, UsageError)):
        story.send(Reply(200, {"uploadUrl": url}))


@pytest.mark.parametrize("body", [{}, {"uploadUrl": 7}, []])
def test_a_response_without_an_upload_url_is_an_error(story: Story, body: Any) -> None:
    with pytest.raises(UnreadableAnswer, match="uploadUrl"):
        story.send(Reply(200, body))


def test_only_the_own_origin_gets_the_token_and_only_if_it_wants_it(story: Story) -> None:
    """To Do's sessions are at Graph itself. Elsewhere, 401 is the result."""
    story.storage.wants_token = True
    assert story.send().status == 401
    assert all("Authorization" not in request.headers for request in story.storage.service.requests)

    def reply(request: RecordedRequest) -> Reply:
        return story.storage.reply(request) if request.path == "/up" else Reply(200, {"uploadUrl": "/up"})

    before = len(story.api.requests)
    assert story.send(reply).status == 201
    tokens = ["Authorization" in request.headers for request in story.api.requests[before:]]
    assert tokens == [True, False, True, True, True]


def interrupted(story: Story, faults: list[Any] | None = None) -> None:
    """Send the first part; then the storage is down for longer than the retries take."""
    story.storage.faults = faults or [None, *[Reply(500, {})] * 4]
    assert story.send(resume=True).status == 500


def test_the_same_call_continues_the_session(story: Story, tmp_path: Path) -> None:
    """It asks the session what it lacks. What is stored is private and does not show the session's URL."""
    interrupted(story)
    [stored] = left(tmp_path)
    assert stored.stat().st_mode & 0o777 == 0o600
    assert b"secret-1" not in stored.read_bytes()
    story.storage.faults, before = [], len(story.storage.service.requests)
    assert story.send(resume=True).status == 201
    assert story.ranges[before:][0] == "GET"
    assert story.ranges[before:][1].startswith(f"bytes {PART}-")
    assert story.storage.content == story.content
    assert len(story.api.requests) == 1
    assert left(tmp_path) == []


def test_without_resume_nothing_is_stored(story: Story, tmp_path: Path) -> None:
    story.storage.faults = [None, *[Reply(500, {})] * 4]
    assert story.send().status == 500
    assert left(tmp_path) == []


def test_a_stored_session_that_has_ended_starts_over(story: Story) -> None:
    interrupted(story)
    ended = story.storage
    story.storage = Storage(len(story.content))
    ended.gone = True
    story.session = Reply(200, {"uploadUrl": f"{story.storage.service.url}/up/2"})
    try:
        assert story.send(resume=True).status == 201
        assert (story.storage.content, story.ranges[0]) == (story.content, f"bytes 0-{PART - 1}/{len(story.content)}")
    finally:
        ended.service.close()


def test_a_file_that_has_changed_gets_a_session_of_its_own(story: Story) -> None:
    interrupted(story)
    story.content = story.content[::-1]
    story.file.write_bytes(story.content)
    story.storage.faults, story.storage.content = [], b""
    assert story.send(resume=True).status == 201
    assert story.storage.content == story.content
    assert len(story.api.requests) == 2


def test_a_file_that_changes_meanwhile_is_refused(story: Story) -> None:
    def changes(request: RecordedRequest) -> Reply:
        story.file.write_bytes(b"less")
        return story.storage.take(request)

    story.storage.faults = [changes]
    with pytest.raises(UsageError, match="has changed"):
        story.send()


def test_a_store_that_fails_does_not_stop_the_upload(
    story: Story, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert story.send(resume=True).status == 201
    assert "cannot continue" in caplog.text


@pytest.mark.parametrize("what", ["missing", "folder", "empty"])
def test_what_cannot_be_sent_is_refused_before_the_request(story: Story, tmp_path: Path, what: str) -> None:
    story.file = {"missing": tmp_path / "no", "folder": tmp_path, "empty": tmp_path / "empty"}[what]
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError):
        story.send()
    assert story.api.requests == []


def test_another_request_has_the_file_as_its_body(story: Story) -> None:
    story.file.write_bytes(b"small")
    story.send(Reply(201, {}), path="/items")
    [request] = story.api.requests
    assert (request.method, request.body, request.headers["Content-Type"]) == (
        "POST",
        b"small",
        "application/octet-stream",
    )
    story.send(Reply(201, {}), path="/items", headers={"content-type": "text/plain"})
    assert story.api.requests[1].headers["content-type"] == "text/plain"


def test_the_caller_may_say_how_the_session_begins(story: Story) -> None:
    story.send(json={"item": {"name": "x"}})
    assert json.loads(story.api.requests[0].body) == {"item": {"name": "x"}}


@pytest.mark.parametrize(
    ("method", "url", "size", "expected"),
    [
        ("PUT", DRIVE, PART, None),
        ("PUT", DRIVE, PART + 1, (DRIVE.replace("content", "createUploadSession"), "replace")),
        (
            "PUT",
            f"{DRIVE}?@microsoft.graph.conflictBehavior=fail&a=b",
            PART + 1,
            (f"{DRIVE.replace('content', 'createUploadSession')}?a=b", "fail"),
        ),
        ("PUT", "https://graph.microsoft.com/v1.0/me/onenote/pages/1/content", PART + 1, None),
        ("PATCH", DRIVE, PART + 1, None),
        ("POST", "https://graph.microsoft.com/v1.0/me/messages", PART + 1, None),
    ],
)
def test_which_files_need_a_session(method: str, url: str, size: int, expected: tuple[str, str] | None) -> None:
    """PUT replaces the file that is there, so its session does too, unless the URL says otherwise."""
    plan = upload_plan(method, url, "graph", "f", size)
    found = plan and (plan.url, plan.body["item"]["@microsoft.graph.conflictBehavior"])
    assert found == expected


@pytest.mark.parametrize(
    ("url", "member"),
    [(MAIL, "AttachmentItem"), (MAIL.replace("me/messages/1", "me/todo/lists/1/tasks/2"), "attachmentInfo")],
)
def test_the_session_of_an_attachment_begins_with_its_name_and_size(url: str, member: str) -> None:
    """Its parts are smaller than 4 MB, and multiples of 320 KiB."""
    plan = upload_plan("POST", url, "graph", "a.pdf", 9)
    assert plan is not None
    assert plan.body == {member: {"attachmentType": "file", "name": "a.pdf", "size": 9}}
    assert (plan.part < 4_000_000, plan.part % 327_680) == (True, 0)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"nextExpectedRanges": ["10-20", "5-"]}', 5),
        (b'{"nextExpectedRanges": ["2097152"]}', 2_097_152),
        (b'{"nextExpectedRanges": "7"}', 7),
        (b'{"nextExpectedRanges": []}', None),
        (b'{"nextExpectedRanges": ["-5", "x", null]}', None),
        (b"[]", None),
        (b"<html>", None),
    ],
)
def test_where_the_next_part_begins(body: bytes, expected: int | None) -> None:
    assert next_offset(ApiResponse(202, Headers(), body)) == expected


def test_a_session_is_stored_and_read_back() -> None:
    session = UploadSession("https://x/", 1, 2, with_token=True)
    assert decoded_session(session.encode()) == session
    assert "https://x/" not in repr(session)
    for damaged in (b"", b"[]", b"[1", b'["x", "y", 1, 2, 3]', b'{"a": 1}'):
        assert decoded_session(damaged) is None

"""Long-running operations: what is polled with which token, when they end, and where their result is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService

from mstoken import ApiRefused, ClientSecret, ServiceUnavailable, UnreadableAnswer, UntrustedOrigin, UsageError
from mstoken.rest.operations import Operation, operation_of, progress_of, result_url, resumed
from mstoken.rest.response import ApiResponse, Headers

ARM = "https://management.azure.com/subscriptions/s/resourceGroups/g?api-version=2022-12-01"
RUNNING, SUCCEEDED = {"status": "Running"}, {"status": "Succeeded"}


class Story:
    """A client, and the API that gives `replies` to its requests and those of its wait."""

    def __init__(self, runner: Runner, token_service: TokenService, api: TokenService) -> None:
        self.runner, self.api = runner, api
        self.client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
        self.slept = use_fake_clock(self.client)
        self.seen: list[Any] = []

    def begin(self, method: str, *replies: Reply) -> Any:
        self.api.script = list(replies)
        url = f"{self.api.url}/resource?v=1"
        return self.runner.run(lambda: self.client.request(method, url, scope="graph", origin=self.api.url))

    def wait(self, began: Any, **options: Any) -> Any:
        given = {"scope": "graph", "origin": self.api.url} | options
        return self.runner.run(lambda: self.client.wait(began, on_progress=self.saw, **given))

    def saw(self, _: Operation, progress: Any) -> None:
        self.seen.append(progress and (progress.state, progress.word, progress.percent))

    def run(self, method: str, *replies: Reply) -> Any:
        return self.wait(self.begin(method, *replies))

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.api.requests]


@pytest.fixture
def stranger() -> Iterator[TokenService]:
    service = TokenService()
    yield service
    service.close()


@pytest.fixture
def story(runner: Runner, token_service: TokenService) -> Iterator[Story]:
    api = TokenService()
    yield Story(runner, token_service, api)
    api.close()


def accepted(status: int = 202, body: Any = None, **headers: str) -> Reply:
    return Reply(status, {} if body is None else body, {name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize("header", ["Azure_AsyncOperation", "Operation_Location"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_the_result_of_a_put_is_the_resource(story: Story, header: str, method: str) -> None:
    """After the status succeeded; the waits are those that the service asks for."""
    began = accepted(201, None, **{header: "/op/1?t=x", "Retry_After": "7"})
    polled = Reply(200, {"status": "Running", "percentComplete": 40}, {"Retry-After": "11"})
    response = story.run(method, began, polled, Reply(200, SUCCEEDED), Reply(200, {"name": "done"}))
    assert response.json() == {"name": "done"}
    assert story.paths == [f"{method} /resource?v=1", "GET /op/1?t=x", "GET /op/1?t=x", "GET /resource?v=1"]
    assert [request.headers.get("Authorization") for request in story.api.requests] == ["Bearer token-1"] * 4
    assert story.slept == [7, 11]
    assert story.seen == [None, ("running", "Running", 40.0), ("succeeded", "Succeeded", None)]


def test_the_result_of_a_post_is_at_its_location(story: Story) -> None:
    began = accepted(202, None, Azure_AsyncOperation="/op/1", Location="/result/1")
    assert story.run("POST", began, Reply(200, SUCCEEDED), Reply(200, {"value": 1})).json() == {"value": 1}
    assert story.paths[-1] == "GET /result/1"


def test_the_status_names_the_result(story: Story) -> None:
    """`resourceLocation`, of Azure's data planes and of Graph."""
    done = Reply(200, {"status": "succeeded", "resourceLocation": "/made/1"})
    assert story.run("POST", accepted(Operation_Location="/op/1"), done, Reply(200, {"id": 1})).json() == {"id": 1}
    assert story.paths[-1] == "GET /made/1"


def test_a_deletion_has_no_further_result(story: Story) -> None:
    began = accepted(Azure_AsyncOperation="/op/1", Location="/result/1")
    assert story.run("DELETE", began, Reply(200, SUCCEEDED)).json() == SUCCEEDED
    assert story.paths == ["DELETE /resource?v=1", "GET /op/1"]


def test_a_location_is_polled_while_it_answers_202(story: Story) -> None:
    """It may move; the first other response is the result. Without Retry-After, the pauses grow."""
    moved = accepted(202, None, Location="/op/2")
    response = story.run("POST", accepted(Location="/op/1"), moved, accepted(), Reply(200, {"value": 1}))
    assert response.json() == {"value": 1}
    assert story.paths[1:] == ["GET /op/1", "GET /op/2", "GET /op/2"]
    assert story.slept == [1, 2, 4]


def test_a_resource_is_polled_by_its_provisioning_state(story: Story) -> None:
    creating, ready = ({"properties": {"provisioningState": word}} for word in ("Creating", "Succeeded"))
    response = story.run("PUT", accepted(201, creating), Reply(200, creating), Reply(200, ready))
    assert response.json() == ready
    assert story.paths == ["PUT /resource?v=1", *["GET /resource?v=1"] * 2]


def test_a_monitor_elsewhere_is_polled_without_the_token(story: Story, stranger: TokenService) -> None:
    """As Graph's for copies: it answers 202 to the end, with the status in the body."""
    stranger.script = [
        Reply(202, {"status": "inProgress", "percentageComplete": 27.5}),
        Reply(202, {"status": "completed", "resourceId": "01NEW"}),
    ]
    response = story.run("POST", accepted(Location=f"{stranger.url}/monitor/1?sig=s"))
    assert response.json()["resourceId"] == "01NEW"
    assert [request.headers.get("Authorization") for request in stranger.requests] == [None, None]
    assert story.seen[1] == ("running", "inProgress", 27.5)
    assert len(story.api.requests) == 1


def test_a_result_elsewhere_is_fetched_without_the_token(story: Story, stranger: TokenService) -> None:
    stranger.script = [Reply(200, {"stolen": False})]
    done = Reply(200, {"status": "succeeded", "resourceLocation": f"{stranger.url}/x"})
    assert story.run("POST", accepted(Operation_Location="/op/1"), done).json() == {"stolen": False}
    assert "Authorization" not in stranger.requests[0].headers


@pytest.mark.parametrize("word", ["Failed", "Canceled", "cancelled", "deleteFailed"])
def test_a_failure_is_raised_with_the_operations_error(story: Story, word: str) -> None:
    body = {"status": word, "error": {"code": "SkuNotAvailable", "message": "Not in this region."}}
    with pytest.raises(ApiRefused, match=rf"ended as {word} \(SkuNotAvailable\). Not in this region.") as caught:
        story.run("PUT", accepted(201, None, Azure_AsyncOperation="/op/1"), Reply(200, body))
    assert caught.value.code == "SkuNotAvailable"
    assert len(story.api.requests) == 2


def test_a_resource_that_failed_is_a_failure(story: Story) -> None:
    failed = Reply(200, {"properties": {"provisioningState": "Failed"}})
    with pytest.raises(ApiRefused, match="ended as Failed"):
        story.run("PUT", accepted(201, {"properties": {"provisioningState": "Creating"}}), failed)


def test_an_error_response_to_a_poll_is_returned(story: Story) -> None:
    """403 may mean that the right at the resource group is missing; a temporary error is repeated first."""
    refused = Reply(403, {"error": {"code": "AuthorizationFailed", "message": "No."}})
    response = story.run("DELETE", accepted(Azure_AsyncOperation="/op/1"), Reply(503, ""), refused)
    assert (response.status, response.request_line) == (403, f"GET {story.api.url}/op/1")


@pytest.mark.parametrize(
    ("method", "reply"),
    [
        ("POST", Reply(400, {"error": {}}, {"Location": "/op/1"})),
        ("PUT", Reply(201, {"id": 1}, {"Location": "http://elsewhere.example/1"})),
        ("PUT", Reply(200, {"properties": {"provisioningState": "Succeeded"}})),
        ("POST", Reply(200, {"properties": {"provisioningState": "Creating"}})),
        ("DELETE", Reply(204, b"")),
        ("POST", Reply(202, b"")),
    ],
)
def test_a_final_response_is_returned_as_it_is(story: Story, method: str, reply: Reply) -> None:
    response = story.run(method, reply)
    assert (response.status, len(story.api.requests), story.slept) == (reply.status, 1, [])


def test_a_wait_has_a_limit_if_you_set_one(story: Story) -> None:
    began = story.begin("POST", accepted(Location="/op/1"), accepted(Retry_After="60"))
    with pytest.raises(ServiceUnavailable, match="continues after 61 seconds"):
        story.wait(began, within=100)
    assert story.slept == [1, 60]


def test_an_operation_is_resumed_without_a_request_that_begins_it(story: Story) -> None:
    """Its URL and the first request's method and URL are enough."""
    story.api.script = [Reply(200, RUNNING), Reply(200, SUCCEEDED), Reply(200, {"name": "done"})]
    operation = resumed("PUT", f"{story.api.url}/resource?v=1", f"{story.api.url}/op/1")
    assert story.wait(operation).json() == {"name": "done"}
    assert story.paths == ["GET /op/1", "GET /op/1", "GET /resource?v=1"]


@pytest.mark.parametrize("where", ["http://elsewhere.example/op", "https://me:pw@management.azure.com/op", "ftp://x/y"])
@pytest.mark.parametrize("header", ["Location", "Azure-AsyncOperation", "Operation-Location"])
def test_an_insecure_url_is_refused(where: str, header: str) -> None:
    with pytest.raises(UntrustedOrigin):
        operation_of(response(202, {}, {header: where}))


def test_what_cannot_be_resumed_is_refused() -> None:
    with pytest.raises(UsageError, match="GET begins no operation"):
        resumed("GET", ARM, ARM)
    with pytest.raises(UsageError, match="not https"):
        resumed("PUT", ARM, "http://elsewhere.example/op")


def response(status: int, body: Any, headers: dict[str, str] | None = None, method: str = "PUT") -> ApiResponse:
    lower = {name.lower(): text for name, text in (headers or {}).items()}
    return ApiResponse(status, Headers(lower), Reply(body=body).payload(), method=method, url=ARM)


@pytest.mark.parametrize(
    ("kind", "service", "status", "body", "state"),
    [
        ("status", "arm", 200, {"status": "Provisioning"}, "running"),
        ("status", "arm", 200, {"status": "SUCCEEDED"}, "succeeded"),
        ("location", "arm", 202, {"status": "Succeeded"}, "running"),
        ("location", "arm", 200, {"status": "Running"}, "succeeded"),
        ("location", "arm", 204, None, "succeeded"),
        ("location", "graph", 200, {"status": "notStarted"}, "running"),
        ("location", "graph", 200, {"status": "unknownFutureValue"}, "running"),
        ("location", "graph", 200, {"status": "archived"}, "succeeded"),
        ("location", "graph", 202, {"status": "archived"}, "running"),
        ("location", "graph", 200, {"status": "failed"}, "failed"),
        ("location", "", 200, [1], "succeeded"),
        ("resumed", "arm", 200, {"status": "Provisioning"}, "running"),
        ("resumed", "arm", 202, None, "running"),
        ("resumed", "arm", 200, {"id": 1}, "succeeded"),
        ("resource", "arm", 200, {"properties": {"provisioningState": "Updating"}}, "running"),
        ("resource", "arm", 200, {"properties": {}}, "succeeded"),
        ("resource", "arm", 200, {"properties": {"provisioningState": "canceled"}}, "failed"),
    ],
)
def test_what_a_poll_says(kind: Any, service: str, status: int, body: Any, state: str) -> None:
    operation = Operation("POST", ARM, ARM, kind, service=service)
    assert progress_of(operation, response(status, body)).state == state


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": 7}, [], "x"])
def test_a_status_without_one_is_refused(body: Any) -> None:
    """Neither an end nor a reason to wait for ever."""
    with pytest.raises(UnreadableAnswer, match="no member 'status'"):
        progress_of(Operation("PUT", ARM, ARM, "status"), response(200, body))


def test_an_embedded_result_is_no_url() -> None:
    """Graph's billing export has the manifest itself in `resourceLocation`."""
    done = response(200, {"status": "succeeded", "resourceLocation": {"blobs": []}}, method="GET")
    assert result_url(Operation("POST", ARM, ARM, "location", service="graph"), done) == ""


def test_the_response_knows_its_request(story: Story) -> None:
    began = story.begin("post", Reply(200, {}))
    assert (began.method, began.url) == ("POST", f"{story.api.url}/resource?v=1")
    assert isinstance(story.api.requests[0], RecordedRequest)

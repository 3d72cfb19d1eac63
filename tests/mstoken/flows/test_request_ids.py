"""Every token request carries a `client-request-id`, and every error shows it."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from entra_emulator import Emulator
from mstoken import ClientSecret, MstokenError, Throttled, UsageError
from mstoken.errors import ServiceUnavailable, TransportError, UnreadableAnswer

GUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def sent_id(request: Any) -> str:
    return next(str(value) for name, value in request.headers.items() if name.lower() == "client-request-id")


def failure(runner: Runner, service: TokenService, kind: type[MstokenError]) -> MstokenError:
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), service.url)
    use_fake_clock(client)  # pauses pass at once, and a slow machine uses up no time
    with pytest.raises(kind) as caught:
        runner.run(lambda: client.get_token("graph"))
    return caught.value


def test_every_token_request_carries_a_guid(runner: Runner, token_service: TokenService) -> None:
    """Two calls have two ids; each is a random GUID."""
    token_service.script = [token_reply("a"), token_reply("b")]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    for _ in range(2):
        runner.run(lambda: client.get_token("graph", fresh=True))
    first, second = map(sent_id, token_service.requests)
    assert GUID.fullmatch(first)
    assert GUID.fullmatch(second)
    assert first != second


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(503, "<html>busy</html>"), ServiceUnavailable),
        (Reply(200, "<html>portal</html>"), UnreadableAnswer),
        (Reply(200, {"token_type": "Bearer"}), UnreadableAnswer),
        (Reply(429, {}, {"Retry-After": "77"}), Throttled),
        (Reply(raw=b""), TransportError),
        (Reply(400, {"error": "invalid_client", "error_description": "No."}), MstokenError),
    ],
    ids=["503", "web page", "no token", "429", "cut off", "refused"],
)
def test_every_error_shows_the_id_that_was_sent(
    runner: Runner, token_service: TokenService, reply: Reply, kind: type[MstokenError]
) -> None:
    """Support can find the request by it, also when no response came."""
    token_service.script = [reply]
    error = failure(runner, token_service, kind)
    assert error.request_id == sent_id(token_service.requests[-1])
    assert error.request_id in str(error)


def test_entra_answers_with_the_id_and_it_is_shown_once(entra: Emulator, runner: Runner) -> None:
    """Entra's correlation id is the client-request-id, so the error has it on one line only."""
    app = entra.state.default_app
    client = runner.client(app.tenant, app.id, ClientSecret("wrong"), entra.authority)
    with pytest.raises(MstokenError) as caught:
        runner.run(lambda: client.get_token("graph"))
    assert GUID.fullmatch(caught.value.request_id)
    assert str(caught.value).count(caught.value.request_id) == 1


def test_an_error_before_any_request_has_no_id(runner: Runner, token_service: TokenService) -> None:
    """Nothing was sent, so there is nothing to look for in a log."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    with pytest.raises(UsageError) as caught:
        runner.run(lambda: client.get_token("grph"))
    assert caught.value.request_id == ""
    assert "client-request-id" not in str(caught.value)


def test_the_first_429_says_how_many_seconds(runner: Runner, token_service: TokenService) -> None:
    """The remedy names the seconds of Retry-After, and the error has them as a number."""
    token_service.script = [Reply(429, {}, {"Retry-After": "77"})]
    error = failure(runner, token_service, Throttled)
    assert len(token_service.requests) == 1
    assert error.remedy.startswith("Try again in 77 seconds.")
    assert getattr(error, "retry_in", None) == 77


def test_copies_keep_the_id(runner: Runner, token_service: TokenService) -> None:
    """Callers that wait for the same request, and other processes, get the error with its id."""
    token_service.script = [Reply(503, "")]
    error = failure(runner, token_service, ServiceUnavailable)
    assert copy.copy(error).request_id == _pickled(error).request_id == error.request_id


def _pickled(error: MstokenError) -> MstokenError:
    return pickle.loads(pickle.dumps(error))  # type: ignore[no-any-return]  # noqa: S301 - made here

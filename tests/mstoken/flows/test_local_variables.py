"""Tracebacks with local variables, as `pytest -l` and error reporters make them, show no secret."""

from __future__ import annotations

import base64
import json
import socket
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple, get_args
from urllib.parse import quote, quote_plus

import pytest
from tests.support.certificates import identity
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService
from tests.support.tool_stand_ins import TOOLS, StandIn
from tests.support.unsigned_tokens import jwt

from mstoken import (
    AgentIdentity,
    AgentUser,
    AuthorizationCode,
    AzureCli,
    AzureDeveloperCli,
    AzurePowerShell,
    Browser,
    CallbackAssertion,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    DeviceCode,
    FileAssertion,
    FmiPath,
    GitHubActions,
    ManagedIdentity,
    MstokenError,
    OnBehalfOf,
    Password,
    RefreshToken,
    TokenAssertion,
    WorkloadIdentity,
)
from mstoken.credentials import Chain, ChainLink, Credential

MARK = "Zq9hidden9qZ"
"""Every secret of these tests begins so, and nothing else does."""


def secret(what: str) -> str:
    return f"{MARK}-{what}~x y&"


ASSERTION = jwt({"sub": secret("subject")})
APP = ClientSecret(secret("client-secret"))


def file_with(text: str, folder: Path) -> str:
    (folder / "token").write_text(text)
    return str(folder / "token")


def managed(service: TokenService) -> ManagedIdentity:
    return ManagedIdentity(
        environment={"IDENTITY_ENDPOINT": f"{service.url}/msi", "IDENTITY_HEADER": f"{MARK}-identity-header"}
    )


def printed(setup: Setup, kind: type, *others: str) -> Any:
    """A tool that prints a token with a time that is none; in a list, if there are others."""
    tool = StandIn(setup.folder, next(program for program in TOOLS if TOOLS[program] is kind))
    tool.signed_in()
    token = f"{MARK}-token"
    answer = {"accessToken": token, "token": token, "expires_on": "soon", "expiresOn": "soon"}
    tool.prints(json.dumps([answer, *others] if others else answer))
    return tool.credential()


class Setup(NamedTuple):
    """What some credentials need: the token service, which is every other service too, and a folder."""

    service: TokenService
    folder: Path


CREDENTIALS: dict[str, Callable[[Setup], Any]] = {
    "secret": lambda _: APP,
    "certificate": lambda _: ClientCertificate(data=identity(0).pem(MARK), password=MARK),
    "wrong certificate password": lambda _: ClientCertificate(data=identity(0).pem("x"), password=MARK),
    "callback": lambda _: ClientAssertion(CallbackAssertion(lambda: ASSERTION)),
    "callback of no JWT": lambda _: ClientAssertion(CallbackAssertion(lambda: secret("no-jwt"))),
    "file": lambda setup: ClientAssertion(FileAssertion(file_with(ASSERTION, setup.folder))),
    "file of no JWT": lambda setup: ClientAssertion(FileAssertion(file_with(secret("no-jwt"), setup.folder))),
    "GitHub": lambda _: ClientAssertion(GitHubActions()),
    "workload": lambda setup: WorkloadIdentity(file_with(ASSERTION, setup.folder)),
    "refresh token": lambda _: RefreshToken(secret("refresh-token"), APP),
    "password": lambda _: Password("anna", secret("password"), APP),
    "code": lambda _: AuthorizationCode(secret("code"), "http://localhost", secret("verifier"), APP, secret("nonce")),
    "on behalf of": lambda _: OnBehalfOf(ASSERTION, APP, secret("session")),
    "session": lambda _: OnBehalfOf(client=APP, session_key=secret("session")),
    "device": lambda _: DeviceCode(lambda _: None, client=APP),
    "browser": lambda _: Browser(client=APP, open_browser=lambda _: True, timeout_in=0.1),
    "path": lambda _: FmiPath(APP, "path"),
    "agent": lambda _: AgentIdentity(APP, "11111111-2222-4333-8444-555555555555"),
    "agent's user": lambda _: AgentUser(AgentIdentity(APP, "agent"), username="anna"),
    "managed identity": lambda setup: managed(setup.service),
    "managed identity as assertion": lambda setup: ClientAssertion(TokenAssertion(managed(setup.service))),
    "key elsewhere": lambda _: ClientKey(lambda *_: MARK.encode(), identity(0).certificate_pem()),
    "az": lambda setup: printed(setup, AzureCli),
    "az that prints a list": lambda setup: printed(setup, AzureCli, "another"),
    "PowerShell": lambda setup: printed(setup, AzurePowerShell),
    "azd": lambda setup: printed(setup, AzureDeveloperCli),
    "chain": lambda _: Chain((ChainLink("environment", TENANT, CLIENT_ID, APP),)),
}


def broken(_: RecordedRequest) -> Reply:
    """Not HTTP at all."""
    return Reply(raw=b"\x16\x03\x01 no HTTP\r\n\r\n")


def refusing(request: RecordedRequest) -> Reply:
    """Quotes all that it was sent."""
    said = request.body.decode("latin-1") + json.dumps(request.headers)
    return Reply(401, {"error": "invalid_client", "error_description": f"AADSTS7000215: {said}"})


def senseless(_: RecordedRequest) -> Reply:
    """A token response with secrets of its own, and a time that is none."""
    names = ("access_token", "refresh_token", "id_token")
    return Reply(200, {name: f"{MARK}-{name}" for name in names} | {"token_type": "Bearer", "expires_in": "soon"})


def nonsense(_: RecordedRequest) -> Reply:
    return Reply(200, f"<html>{MARK}</html>")


def silent(_: RecordedRequest) -> Reply:
    return Reply(503, "", {"Retry-After": "3600"})


FAILURES = {"broken": broken, "refused": refusing, "senseless": senseless, "no JSON": nonsense, "unavailable": silent}


def frames_of(error: BaseException) -> Iterator[tuple[str, str, str]]:
    """(function, variable, repr) of every frame, also of the errors that led to this one; not of this file's frames."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        pending += [one.__cause__, one.__context__]
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if frame.f_code.co_filename != __file__:
                place = f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"
                yield from ((place, name, repr(value)) for name, value in frame.f_locals.items())
        # What the standard library would print must be printable too.
        "".join(traceback.TracebackException.from_exception(one, capture_locals=True).format())


def marks_in(text: str) -> bool:
    """Whether the text has the mark, as it is or in one of the encodings that secrets are sent in."""
    encoded = {MARK, quote(MARK), quote_plus(MARK), json.dumps(MARK)[1:-1], ASSERTION.split(".")[1]}
    encoded.add(base64.b64encode(MARK.encode()).decode())
    return any(one in text for one in encoded)


def check(error: BaseException) -> None:
    frames = list(frames_of(error))
    assert len(frames) > 5
    shown = [f"{place} {name} = {value[:200]}" for place, name, value in frames if marks_in(value)]
    assert shown == [], "\n".join(shown)


@pytest.fixture
def job(token_service: TokenService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GitHub Actions job whose token server is the token service."""
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{token_service.url}/job")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", f"{MARK}-job-token")


@pytest.mark.usefixtures("job")
def test_every_credential_is_in_these_tests(token_service: TokenService, tmp_path: Path) -> None:
    """At least one of each class."""
    kinds = {type(make(Setup(token_service, Path(mkdtemp(dir=tmp_path))))) for make in CREDENTIALS.values()}
    assert kinds == set(get_args(Credential))


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", CREDENTIALS)
def test_no_frame_of_a_failing_call_shows_a_secret(
    runner: Runner, token_service: TokenService, tmp_path: Path, job: None, name: str, failure: str
) -> None:
    """Each credential against each way to fail: every variable of every frame below the caller's."""
    token_service.script = [FAILURES[failure]]
    client = runner.client(TENANT, CLIENT_ID, CREDENTIALS[name](Setup(token_service, tmp_path)), token_service.url)
    with pytest.raises(MstokenError) as caught:
        runner.run(partial(client.get_token, "arm"))
    check(caught.value)


@pytest.mark.parametrize("name", CREDENTIALS)
def test_no_frame_shows_a_secret_if_the_server_is_unreachable(
    runner: Runner, token_service: TokenService, tmp_path: Path, job: None, name: str
) -> None:
    """The connection is refused, with the request in hand."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = f"http://127.0.0.1:{server.getsockname()[1]}"
    client = runner.client(TENANT, CLIENT_ID, CREDENTIALS[name](Setup(token_service, tmp_path)), free)
    token_service.script = [silent]
    with pytest.raises(MstokenError) as caught:
        runner.run(partial(client.get_token, "arm"))
    check(caught.value)

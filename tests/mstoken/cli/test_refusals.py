"""Every kind of refusal: the exception in Python, the exit code and the next step in a shell."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from mstoken import (
    AccessBlocked,
    AuthorizationPending,
    ClientSecret,
    ConsentRequired,
    CredentialRejected,
    Misconfigured,
    MstokenError,
    RefreshToken,
    ServiceUnavailable,
    SignInRequired,
    Throttled,
    UnreadableAnswer,
)
from mstoken.cli.exit_codes import LATER, REFUSED, SIGN_IN


def _refusal(error: str, code: int, status: int = 400) -> Reply:
    description = f"AADSTS{code}: In the service's words." if code else "In the service's words."
    headers = {"Retry-After": "3600"} if status in (429, 503) else {}
    more = {"error_codes": [code]} if code else {}
    return Reply(status, {"error": error, "error_description": description, **more}, headers)


CASES = [
    (_refusal("invalid_grant", 50076), SignInRequired, SIGN_IN, f"mstoken login --tenant {TENANT}"),
    (_refusal("invalid_client", 7000215, 401), CredentialRejected, REFUSED, f"reset --id {CLIENT_ID}"),
    (_refusal("invalid_grant", 65001), ConsentRequired, REFUSED, f"/{TENANT}/adminconsent?client_id={CLIENT_ID}"),
    (_refusal("invalid_grant", 53003), AccessBlocked, REFUSED, "Sign-in logs"),
    (_refusal("unauthorized_client", 700016), Misconfigured, REFUSED, f"({TENANT})"),
    (_refusal("authorization_pending", 70016), AuthorizationPending, SIGN_IN, "Finish signing in"),
    (_refusal("temporarily_unavailable", 0, 429), Throttled, LATER, "Try again in 3600 seconds"),
    (_refusal("temporarily_unavailable", 90033, 503), ServiceUnavailable, LATER, "again"),
    # Servers that are not Entra: names of RFC 6749 (sections 4.1.2.1, 5.2), an unknown name, and no OAuth response at
    # all.
    (_refusal("access_denied", 0, 403), ConsentRequired, REFUSED, "consent"),
    (_refusal("invalid_scope", 0), Misconfigured, REFUSED, ""),
    (_refusal("of_our_own", 0), Misconfigured, REFUSED, "Read its message"),
    (Reply(200, "<html>Sign in to the guest network</html>"), UnreadableAnswer, LATER, "HTTPS_PROXY"),
]
NAMES = [f"{kind.__name__}-{number}" for number, (_, kind, _, _) in enumerate(CASES)]


@pytest.fixture
def person(tmp_path: Path, token_service: TokenService) -> Program:
    """The program of a user who has signed in to a confidential client of the token service."""
    program = Program(tmp_path)
    program.environment |= {
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": CLIENT_ID,
        "AZURE_CLIENT_SECRET": "not-a-secret",
        "AZURE_AUTHORITY_HOST": token_service.url,
    }
    return program


@pytest.mark.parametrize(("reply", "kind", "code", "next_step"), CASES, ids=NAMES)
def test_each_kind_raises_its_exception(
    runner: Runner, token_service: TokenService, reply: Reply, kind: type[MstokenError], code: int, next_step: str
) -> None:
    """The exception has the kind's class and a remedy."""
    token_service.script = [reply]
    credential = RefreshToken("rt-1", ClientSecret("not-a-secret"))
    client = runner.client(TENANT, CLIENT_ID, credential, token_service.url)
    with pytest.raises(MstokenError) as caught:
        runner.run(partial(client.get_token, "graph"))
    assert type(caught.value) is kind
    assert caught.value.remedy
    assert next_step in caught.value.remedy


@pytest.mark.parametrize(("reply", "kind", "code", "next_step"), CASES, ids=NAMES)
def test_each_kind_has_its_exit_code(
    person: Program, token_service: TokenService, reply: Reply, kind: type[MstokenError], code: int, next_step: str
) -> None:
    """Nothing on standard output, the exit code, and a line each for error, service message, id and next step."""
    token_service.script = [reply]
    result = person("get", "graph", MSTOKEN_REFRESH_TOKEN="rt-1")
    assert (result.code, result.out) == (code, "")
    happened, *service, request_id, remedy = result.err.splitlines()
    assert happened.startswith("mstoken: error: ")
    assert re.fullmatch("  client-request-id: [0-9a-f-]{36}", request_id)
    assert remedy.startswith("  next: ")
    assert all(line.startswith("  service: AADSTS") for line in service)
    assert len(service) <= 1
    assert next_step in remedy
    assert "rt-1" not in result.err
    assert "not-a-secret" not in result.err


def test_every_kind_has_a_case() -> None:
    """A new kind of refusal needs a case here."""
    from mstoken.aadsts import KINDS

    tested = {kind.__name__.lower() for _, kind, _, _ in CASES}
    assert {kind.replace("_", "") for kind in KINDS} <= tested


@pytest.mark.parametrize("code", [50173, 700082])
def test_a_revoked_sign_in_is_tried_once_and_removes_its_tokens(
    person: Program, token_service: TokenService, code: int
) -> None:
    """The cached token of another service is removed too, there is no further request, and one new sign-in fixes it."""
    del person.environment["AZURE_CLIENT_SECRET"]
    token_service.script = [token_reply()]
    assert person("login", "--profile", "work", stdin="rt-1\n").code == 0
    assert person("get", "graph", "--profile", "work").code == 0
    token_service.script = [_refusal("invalid_grant", code)]
    first = person("get", "arm", "--profile", "work")
    request = len(token_service.requests)
    second = person("get", "graph", "--profile", "work")
    for result in (first, second):
        assert (result.code, result.out) == (SIGN_IN, "")
        assert f"AADSTS{code}" in result.err
        assert "mstoken login" in result.err
    assert len(token_service.requests) == request
    token_service.script = [token_reply("anew")]
    assert person("login", "--profile", "work", stdin="rt-2\n").code == 0
    assert person("get", "graph", "--profile", "work").out == "anew\n"
    assert token_service.requests[-1].form["refresh_token"] == "rt-2"

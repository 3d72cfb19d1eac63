"""Failures to order, as plain HTTP and mstoken see them. tests/clients has what Microsoft's clients make of them."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import mstoken
from entra_emulator import Emulator
from entra_emulator.faults import Fault
from mstoken import errors

Get = Callable[..., httpx.Response]


def test_any_code_can_be_injected(entra: Emulator, app_token: Get) -> None:
    """A code of the emulator's own comes as it would from state; any other number comes too."""
    entra.inject(code=7000222)
    entra.inject(code=987654, error="invalid_grant", suberror="bad_token", status=401)
    known, unknown = app_token(), app_token()
    assert (known.status_code, known.json()["error"], known.json()["error_codes"]) == (401, "invalid_client", [7000222])
    body = unknown.json()
    assert (unknown.status_code, body["error"], body["error_codes"]) == (401, "invalid_grant", [987654])
    assert body["suberror"] == "bad_token"
    assert known.headers["x-ms-clitelem"].startswith("1,7000222,")
    assert app_token().status_code == 200


def test_fault_can_carry_claims(entra: Emulator, app_token: Get) -> None:
    """Claims that are ordered are in the answer as they are."""
    text = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    entra.inject(code=50076, claims=text)
    assert app_token().json()["claims"] == text


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        ({"client": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"}, True),
        ({"client": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"}, False),
        ({"tenant": "northwind-partner.example"}, True),
        ({"tenant": "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"}, False),
        ({"tenant": "not-there.example"}, False),
        ({"grant": "client_credentials"}, True),
        ({"grant": "refresh_token"}, False),
        ({"resource": "graph.microsoft"}, True),
        ({"resource": "vault"}, False),
        ({"service": "*"}, True),
        ({"service": "graph"}, False),
        ({"path": "*/oauth2/v2.0/token"}, True),
        ({"path": "*/discovery/*"}, False),
    ],
)
def test_a_fault_applies_to_matching_requests_only(
    entra: Emulator, app_token: Get, target: dict[str, Any], *, hit: bool
) -> None:
    """A fault hits the requests that fit all it names, and leaves others alone."""
    entra.inject(status=503, **target)
    assert (app_token().status_code == 503) == hit
    assert len(entra.faults) == (0 if hit else 1)


def test_fault_for_so_many_requests(entra: Emulator, app_token: Get) -> None:
    """times counts down and the fault goes; None stays until it is taken away."""
    entra.inject(status=500, times=2)
    assert [app_token().status_code for _ in range(3)] == [500, 500, 200]
    always = entra.inject(status=500, times=None)
    assert [app_token().status_code for _ in range(3)] == [500] * 3
    entra.faults.remove(always)
    assert app_token().status_code == 200


def test_throttling_is_as_recorded(entra: Emulator, app_token: Get) -> None:
    """429 is plain text with Retry-After, as the real one."""
    entra.inject(status=429, retry_after_in=60)
    answer = app_token()
    assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (429, "Too Many Requests", "60")
    assert answer.headers["content-type"] == "text/plain"


def test_api_fault_is_json(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """An API's failure is JSON, and the sign-in service goes on."""
    entra.inject(status=503, service="graph", retry_after_in=7)
    headers = {"Authorization": f"Bearer {app_token().json()['access_token']}"}
    answer = http.get(f"{entra.api('graph')}/users", headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert answer.json()["error"]["code"] == "ServiceUnavailable"
    assert http.get(f"{entra.api('graph')}/users", headers=headers).status_code == 200


def test_late_answer(entra: Emulator, app_token: Get) -> None:
    """delay_in makes an answer late, and leaves it as it is otherwise."""
    entra.inject(delay_in=0.2)
    begun = time.perf_counter()
    assert app_token().status_code == 200
    assert time.perf_counter() - begun >= 0.2


@pytest.mark.parametrize("when", ["before", "during"])
def test_cut_connection(entra: Emulator, app_token: Get, when: str) -> None:
    """A connection can be cut before the answer or during it; the log has the request either way."""
    entra.inject(cut=when)
    with pytest.raises(httpx.RemoteProtocolError):
        app_token()
    assert app_token().status_code == 200
    assert [one.status for one in entra.token_requests] == [0 if when == "before" else 200, 200]
    assert entra.token_requests[0].faults == (f"cut {when} the answer",)


def test_a_skewed_clock_applies_to_one_request(entra: Emulator, app_token: Get, claims: Callable[[str], Any]) -> None:
    """skew_in dates one answer and its token by another clock; the next is right again."""
    entra.inject(skew_in=-86_400)
    late, right = (claims(app_token().json()["access_token"]) for _ in range(2))
    assert 86_000 < right["iat"] - late["iat"] < 87_000


def test_faults_can_be_configured(entra: Emulator, app_token: Get) -> None:
    """[[faults]] of a configuration are there from the start, and again after a reset."""
    entra.restore({**entra.snapshot(), "faults": [{"status": 503, "times": 2}]})
    assert [app_token().status_code for _ in range(3)] == [503, 503, 200]
    with Emulator({**entra.snapshot(), "faults": [{"code": 50076}, {"delay_in": 1.5, "service": "arm"}]}) as other:
        assert [one.outcome for one in other.faults] == ["AADSTS50076", "1.5 s later"]
        other.faults.clear()
        other.reset()
        assert len(other.faults) == 2


@pytest.mark.parametrize(
    "wrong",
    [{}, {"status": 200}, {"status": 600}, {"cut": "after"}, {"code": 1, "times": 0}, {"delay_in": -1.0}],
)
def test_an_invalid_fault_is_refused(wrong: dict[str, Any]) -> None:
    """A fault that does nothing, or cannot be, is refused when it is made."""
    with pytest.raises(ValueError, match=r"fault|status|cut|times"):
        Fault(**wrong)


def ask_mstoken(entra: Emulator) -> str:
    app, tenant = entra.state.default_app, entra.state.default_tenant
    with mstoken.Client(tenant.id, app.id, mstoken.ClientSecret(app.secrets[0].value)) as client:
        return client.get_token("graph").token


@pytest.mark.usefixtures("entra_environment")
class TestMstoken:
    """mstoken tells each kind of failure by its exception, and asks again where that can help."""

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (53003, errors.AccessBlocked),
            (7000222, errors.CredentialRejected),
            (50076, errors.SignInRequired),
            (65001, errors.ConsentRequired),
        ],
    )
    def test_refusal(self, entra: Emulator, code: int, kind: type[mstoken.MstokenError]) -> None:
        """A refusal raises its kind after one request."""
        entra.inject(code=code, times=None)
        with pytest.raises(kind):
            ask_mstoken(entra)
        assert len(entra.token_requests) == 1

    @pytest.mark.parametrize(
        "fault", [{"status": 429, "retry_after_in": 0}, {"status": 503}, {"cut": "before"}, {"cut": "during"}]
    )
    def test_asks_again(self, entra: Emulator, fault: dict[str, Any]) -> None:
        """One failure on the way is not seen by the program."""
        entra.inject(**fault)
        assert ask_mstoken(entra)
        assert len(entra.token_requests) == 2

    def test_throttled_for_long(self, entra: Emulator) -> None:
        """A long Retry-After is not slept through: it raises with the seconds to wait."""
        entra.inject(status=429, retry_after_in=3600, times=None)
        with pytest.raises(errors.Throttled) as caught:
            ask_mstoken(entra)
        assert caught.value.retry_in == 3600
        assert len(entra.token_requests) == 1


def test_a_page_may_lead_anywhere(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """To another URL, or back to itself; what is no collection stays as it is."""
    token = {"Authorization": f"Bearer {app_token().json()['access_token']}"}
    base = entra.api("graph")
    entra.inject(service="graph", next_link="https://elsewhere.example/2")
    page = http.get(f"{base}/users?$top=1", headers=token)
    assert page.json()["@odata.nextLink"] == "https://elsewhere.example/2"
    assert (len(page.json()["value"]), page.headers["odata-version"]) == (1, "4.0")
    entra.inject(service="graph", next_link="loop")
    assert http.get(f"{base}/users?$top=1", headers=token).json()["@odata.nextLink"] == f"{base}/users?$top=1"
    entra.inject(service="graph", next_link="loop")
    user = entra.state.default_tenant.users[0]
    assert "@odata.nextLink" not in http.get(f"{base}/users/{user.id}", headers=token).json()

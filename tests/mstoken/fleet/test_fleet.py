"""`client.fleet(tenants)`: the same in many tenants, in threads and under asyncio."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.at_entra import entra
from tests.support.runners import Runner

from entra_emulator import Emulator
from entra_emulator.faults import Fault
from entra_emulator.model import Grant, ServicePrincipal, Tenant, new_id
from mstoken import ClientSecret, ManagedIdentity, UsageError
from mstoken.errors import (
    AccessBlocked,
    ApiRefused,
    ConsentRequired,
    Misconfigured,
    Refusal,
    ServiceUnavailable,
    SignInRequired,
    Throttled,
    TransportError,
    UntrustedCertificate,
)
from mstoken.fleet.outcomes import outcome_of, outcomes
from mstoken.fleet.schedule import Pace, Schedule, Start, Wait, may_repeat

__all__ = ["entra"]

GRAPH = "00000003-0000-0000-c000-000000000000"


@pytest.fixture
def tenants(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Ten tenants of the default application: the last without it, the one before disabled."""
    for name, text in entra.environment().items():
        monkeypatch.setenv(name, text)
    app, made = entra.state.default_app.id, [Tenant(new_id(), f"Customer {number}") for number in range(10)]
    for tenant in made[:-1]:
        tenant.principals.append(ServicePrincipal(app))
        tenant.grants.append(Grant(app, GRAPH, roles=["Organization.Read.All"]))
    made[-2].enabled = False
    entra.state.tenants |= {tenant.id: tenant for tenant in made}
    yield [tenant.id for tenant in made]
    entra.state.faults.clear()
    for tenant in made:
        del entra.state.tenants[tenant.id]


def client_at(runner: Runner, entra: Emulator) -> Any:
    app = entra.state.default_app
    secret = ClientSecret(app.secrets[0].value)
    return runner.client(entra.state.default_tenant.id, app.id, secret, entra.environment()["AZURE_AUTHORITY_HOST"])


def read(runner: Runner, results: Any) -> list[Any]:
    """All results, of a generator or an async one."""
    if hasattr(results, "__anext__"):

        async def collect() -> list[Any]:
            return [result async for result in results]

        collected: list[Any] = runner.run(collect)
        return collected
    return list(results)


def test_each_tenant_has_one_result_with_its_outcome(runner: Runner, entra: Emulator, tenants: list[str]) -> None:
    found = {one.tenant: one for one in read(runner, client_at(runner, entra).fleet(tenants).get_token("graph"))}
    assert list(found) != []
    assert set(found) == set(tenants)
    assert [found[tenant].outcome for tenant in tenants] == ["done"] * 8 + ["gone", "consent_missing"]
    assert all(found[tenant].ok and found[tenant].value.token for tenant in tenants[:8])
    assert [bool(found[tenant].remedy) for tenant in tenants] == [False] * 8 + [True] * 2
    assert len({found[tenant].value.token for tenant in tenants[:8]}) == 8


def test_a_request_has_the_token_of_each_tenant(runner: Runner, entra: Emulator, tenants: list[str]) -> None:
    url = entra.environment()["AZURE_AUTHORITY_HOST"].rstrip("/") + "/graph/v1.0/organization"
    fleet = client_at(runner, entra).fleet(tenants[:8], concurrency=3)
    found = read(runner, fleet.request("GET", url, scope="graph", origin=url.partition("/graph")[0]))
    assert {one.tenant: one.value.json()["value"][0]["id"] for one in found} == {one: one for one in tenants[:8]}


def test_a_throttled_tenant_is_tried_again_and_the_others_go_on(
    runner: Runner, entra: Emulator, tenants: list[str]
) -> None:
    entra.state.faults.append(Fault(status=429, retry_after_in=1, tenant=tenants[0], times=4))
    found = read(runner, client_at(runner, entra).fleet(tenants[:4], concurrency=2).get_token("graph"))
    assert {one.outcome for one in found} == {"done"}
    assert found[-1].tenant == tenants[0]


def test_what_stays_throttled_is_a_result_too(runner: Runner, entra: Emulator, tenants: list[str]) -> None:
    entra.state.faults.append(Fault(status=429, retry_after_in=600, tenant=tenants[0]))
    found = {one.tenant: one for one in read(runner, client_at(runner, entra).fleet(tenants[:2]).get_token("graph"))}
    assert [found[tenant].outcome for tenant in tenants[:2]] == ["throttled", "done"]
    assert "600" in found[tenants[0]].remedy or "Try again" in found[tenants[0]].remedy


def test_work_of_your_own_and_its_bugs_are_results(runner: Runner, entra: Emulator, tenants: list[str]) -> None:
    def work(client: Any) -> Any:
        if client.authority.tenant == tenants[1]:
            raise KeyError("a bug")
        return client.authority.tenant

    async def awaited(client: Any) -> Any:
        return work(client)

    client = client_at(runner, entra)
    found = read(runner, client.fleet(tenants[:3]).call(awaited if hasattr(client, "__aenter__") else work))
    assert {one.tenant: (one.outcome, one.value) for one in found} == {
        tenants[0]: ("done", tenants[0]),
        tenants[1]: ("failed", None),
        tenants[2]: ("done", tenants[2]),
    }


def test_an_identity_of_one_tenant_is_refused_before_anything_is_sent(runner: Runner) -> None:
    with pytest.raises(UsageError, match="its own tenant only"):
        runner.client("", "", ManagedIdentity()).fleet(["contoso.com"])
    client = runner.client("contoso.com", "app", ClientSecret("x"))
    for concurrency in (0, 257, True):
        with pytest.raises(UsageError, match="from 1 to 256"):
            client.fleet(["contoso.com"], concurrency=concurrency)
    with pytest.raises(TypeError, match="not one text"):
        client.fleet("contoso.com")


def test_no_more_tenants_are_in_progress_than_asked_for_and_names_are_read_late() -> None:
    from mstoken.fleet.threads import run

    read_names, busy, most, lock = [0], [0], [0], threading.Lock()

    def names() -> Iterator[str]:
        for number in range(50):
            read_names[0] += 1
            yield str(number)

    def work(_: str) -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        with lock:
            busy[0] -= 1

    results = run(names(), work, Pace(concurrency=4))
    assert next(results).ok
    assert read_names[0] <= 5
    assert len(list(results)) == 49
    assert 1 <= most[0] <= 4


def test_no_tenant_begins_while_as_many_wait_as_may_be_in_progress() -> None:
    schedule = Schedule(["a", "b", "c"], Pace(concurrency=2, retries=1), lambda: 0.5)
    first, second = schedule.next(0), schedule.next(0)
    assert (first, second, schedule.next(0)) == (Start("a", 1), Start("b", 1), Wait(None))
    for start in (first, second):
        assert isinstance(start, Start)
        assert schedule.finished(start, None, Throttled("", "", 10), 0) is None
    waiting = schedule.next(1)
    assert isinstance(waiting, Wait)
    assert waiting.within_in is not None
    assert 9 <= waiting.within_in <= 9.3
    assert schedule.next(10.2) == Start("a", 2)
    result = schedule.finished(Start("a", 2), None, Throttled("", "", 10), 11)
    assert result is not None
    assert (result.tenant, result.outcome, result.attempts) == ("a", "throttled", 2)
    assert [schedule.next(12), schedule.next(12)] == [Start("b", 2), Start("c", 1)]


def test_ten_thousand_tenants_of_a_throttled_application_are_all_done() -> None:
    """An API takes 100 requests a second of the whole application: few are refused while it is throttled, few tenants
    are in memory, and the run takes hardly longer than the limit demands.
    """
    concurrency, limit, number, takes_in = 16, 100, 10_000, 0.05
    schedule = Schedule((str(tenant) for tenant in range(number)), Pace(concurrency), lambda: 0.5)
    now, window, used, refused, most = 0.0, 0, 0, 0, 0
    running: list[tuple[float, Start]] = []
    outcomes_seen: list[str] = []
    while (step := schedule.next(now)) is not None:
        if isinstance(step, Start):
            running.append((now + takes_in, step))
            most = max(most, len(running) + len(schedule._waiting))
            continue
        if not running:
            now += step.within_in or 0
            continue
        now, start = running.pop(0)
        window, used = (int(now), 0) if int(now) > window else (window, used)
        used += 1
        refused += used > limit
        error = Throttled("", "", window + 1 - now) if used > limit else None
        if (result := schedule.finished(start, None, error, now)) is not None:
            outcomes_seen.append(result.outcome)
    assert outcomes_seen == ["done"] * number
    assert most <= 2 * concurrency
    assert refused <= 2 * concurrency * (now + 1)  # twice as many as may be in progress, in each second
    assert number / limit - 1 <= now <= number / limit * 1.2


CASES: dict[str, tuple[Exception, str, bool, bool]] = {
    "consent": (ConsentRequired("", "", Refusal(codes=(65001,))), "consent_missing", False, False),
    "not installed": (Misconfigured("", "", Refusal(codes=(700016,))), "consent_missing", False, False),
    "MFA": (SignInRequired("", "", Refusal(codes=(50076,))), "mfa_required", False, False),
    "Partner Center's MFA": (SignInRequired("", "", Refusal(error="900421")), "mfa_required", False, False),
    "expired": (SignInRequired("", "", Refusal(codes=(700082,))), "sign_in_required", False, False),
    "policy": (AccessBlocked("", "", Refusal(codes=(53003,))), "blocked", False, False),
    "not in the group": (AccessBlocked("", "", Refusal(codes=(50020,))), "blocked", False, False),
    "deleted": (Misconfigured("", "", Refusal(codes=(90002,))), "gone", False, False),
    "429": (Throttled("", "", 1), "throttled", True, True),
    "503 with a time": (ServiceUnavailable("", "", 1, Refusal(status=503)), "unavailable", True, True),
    "503": (ServiceUnavailable("", "", None, Refusal(status=503)), "unavailable", True, False),
    "504 with a time": (ServiceUnavailable("", "", 1, Refusal(status=504)), "unavailable", True, False),
    "lost": (TransportError(""), "unavailable", True, False),
    "certificate": (UntrustedCertificate(""), "unavailable", False, False),
    "403": (ApiRefused("", "", 403, "Authorization_RequestDenied"), "refused", False, False),
    "a bug": (KeyError("x"), "failed", False, False),
}


@pytest.mark.parametrize("case", CASES)
def test_each_error_has_an_outcome_and_a_rule_of_repetition(case: str) -> None:
    error, outcome, if_repeatable, if_not = CASES[case]
    assert outcome_of(error) == outcome
    assert may_repeat(error, repeatable=True) is if_repeatable
    assert may_repeat(error, repeatable=False) is if_not


def test_every_outcome_has_one_remedy() -> None:
    assert all(outcome.title and outcome.remedy.endswith(".") for outcome in outcomes().values())
    assert len({outcome.remedy for outcome in outcomes().values()}) == len(outcomes())

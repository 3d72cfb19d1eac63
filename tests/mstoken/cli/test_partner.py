"""`mstoken partner`: a partner's customers from the command line."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.program import Program, RunResult
from tests.support.running import Running
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.model import Grant

NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"


@pytest.fixture(scope="module")
def csp() -> Iterator[Emulator]:
    """A partner with five customers beside the built-in one; one lacks consent, one's relationship has ended."""
    with Emulator({"customers": {"count": 5, "consent_missing": 1, "ended": 1}}) as entra:
        yield entra


@pytest.fixture
def program(tmp_path: Path, csp: Emulator) -> Program:
    """The program in the partner's environment, with its own configuration and cache."""
    made = Program(tmp_path)
    made.environment |= csp.environment() | {
        "MSTOKEN_CONFIG_DIR": str(made.config),
        "MSTOKEN_CACHE_DIR": str(tmp_path / "cache"),
    }
    return made


@pytest.fixture
def partner(program: Program, csp: Emulator) -> Program:
    """The same, with Nadia's sign-in in the profile `partner`."""
    done = program("partner", "login", "--profile", "partner", stdin=csp.sign_in(NADIA))
    assert done.code == 0, done.err
    assert done.err.endswith("mstoken: Partner Center accepts the sign-in.\n")
    program.environment["MSTOKEN_PROFILE"] = "partner"
    return program


def lines(result: RunResult) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.out.splitlines()]


def test_a_sign_in_without_mfa_is_refused_and_not_stored(program: Program, csp: Emulator) -> None:
    done = program("partner", "login", "--profile", "weak", stdin=csp.sign_in(NADIA, mfa=False))
    assert (done.code, done.out) == (3, "")
    assert "nothing was stored" in done.err
    assert "AADSTS50076" in done.err


def test_the_browser_asks_for_the_second_factor_whatever_the_policies_say(program: Program) -> None:
    """No policy requires MFA of Otto here; the request does."""
    with Emulator() as entra:
        entra.state.default_tenant.policies.clear()
        program.environment |= {**entra.environment(), "MSTOKEN_CONFIG_DIR": str(program.config)}
        login = Running(program, "partner", "login", "--browser", "--profile", "partner")
        url = login.says(r"^(https://\S+/oauth2/v2.0/authorize\S+)")
        person = ScriptedUser(entra, OTTO)
        httpx.get(person.authorize(url).url, trust_env=False)
        person.close()
        code, out = login.end()
    assert (code, out) == (0, ""), login.err
    assert f"Signed in as {OTTO}" in login.err
    assert "Next: mstoken get partner --profile partner" in login.err
    assert login.err.endswith("Partner Center accepts the sign-in.\n")


def test_customers_have_their_end(partner: Program, csp: Emulator) -> None:
    table = partner("partner", "customers")
    assert table.code == 0, table.err
    rows = [line.split("  ") for line in table.out.splitlines()]
    assert len(rows) == 5
    assert all(", in 36" in row[-1] or row[-1].endswith("days") for row in rows)
    found = lines(partner("partner", "customers", "--resellers", "-o", "json"))
    assert [one["relation"] for one in found] == ["gdap"] * 5 + ["reseller"]
    assert found[-1]["domain"] == "customer002.example"


def test_the_list_is_one_for_tenants(partner: Program) -> None:
    listed = partner("partner", "customers", "-o", "json").out
    done = partner("get", "graph", "--tenants", "-", stdin=listed)
    assert sorted(one["outcome"] for one in lines(done)) == ["consent_missing"] + ["done"] * 4
    assert "`mstoken partner consent all`" in done.err


def test_consent_for_all_is_granted_once(partner: Program, csp: Emulator) -> None:
    """What was there already is unchanged; then every customer has tokens, of the user and of the application."""
    words = ("partner", "consent", "all", "--grants", "graph:User.Read.All")
    first, second = partner(*words), partner(*words)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    tenant = csp.state.tenant("customer001.example")
    assert tenant
    states = {one["tenant"]: one["state"] for one in lines(first)}
    assert states.pop(tenant.id) == "granted"
    assert set(states.values()) == {"unchanged"}
    assert {one["state"] for one in lines(second)} == {"unchanged"}
    assert partner("get", "graph", "--tenant", tenant.id).code == 0


def test_a_list_and_names_with_their_failures(partner: Program) -> None:
    done = partner("partner", "consent", "CUSTOMER003.example", "nowhere.example", "--grants", "graph:Mail.Read")
    found = {one["tenant"]: one for one in lines(done)}
    assert done.code == 6
    assert found["nowhere.example"]["outcome"] == "gone"
    assert found["customer003.example"]["error"]["code"] == "consent_differs"
    assert "--replace" in found["customer003.example"]["error"]["command"]
    again = partner("partner", "consent", "-", "--grants", "graph:User.Read.All", stdin='{"tenant": "nowhere.example"}')
    assert (again.code, [one["outcome"] for one in lines(again)]) == (4, ["gone"])


def _age(program: Program, days: int) -> None:
    """Set the renewal time of the sign-in in the vault."""
    vault = Path(program.environment["MSTOKEN_CACHE_DIR"], "vault", "vault.db")
    with closing(sqlite3.connect(vault)) as connection, connection:
        connection.execute("UPDATE grants SET renewed_on = ?", (int(time.time()) - days * 86_400,))


def test_the_doctor_finds_nothing_wrong(partner: Program, csp: Emulator) -> None:
    done = partner("partner", "doctor", "customer003.example")
    tenant = csp.state.tenant("customer003.example")
    assert tenant
    assert (done.code, done.err) == (0, "")
    first, *checks = done.out.splitlines()
    assert first == tenant.id
    assert [line.split()[:2] for line in checks] == [
        [name, "ok:"] for name in ("sign-in", "MFA", "relationship", "consent", "policies", "roles")
    ]
    assert checks[-1].endswith("Global Reader, User Administrator.")


@pytest.mark.parametrize(
    ("days", "state", "left"), [(59, "ok", ""), (61, "warning", "29 days"), (89, "warning", "1 day")]
)
def test_the_doctor_warns_of_a_refresh_token_that_nothing_uses(
    partner: Program, days: int, state: str, left: str
) -> None:
    """Entra ends it after 90 days; the text has the days that are left, the remedy the command."""
    _age(partner, days)
    done = partner("partner", "doctor", "customer003.example", "-o", "json")
    check = json.loads(done.out)["checks"][0]
    assert (check["name"], check["state"], done.code) == ("sign-in", state, 0)
    assert f"last renewed {days} days ago{f'; without use, Entra ends it in {left}' if left else ''}." in check["text"]
    assert ("`mstoken keepalive`" in (check["remedy"] or "")) == (state != "ok")


def test_the_doctor_of_all_has_a_line_for_each_and_the_sign_in_once(partner: Program, csp: Emulator) -> None:
    ended = csp.state.tenant("customer002.example")
    assert ended
    before = len(csp.requests)
    listed = f"customer003.example\ncustomer004.example\n{ended.id}\n"
    done = partner("partner", "doctor", "-", stdin=listed)
    found = {one["tenant"]: one for one in lines(done)}
    assert {name: one["outcome"] for name, one in found.items()} == {
        "customer003.example": "done",
        "customer004.example": "done",
        ended.id: "blocked",
    }
    states = {check["name"]: check["state"] for check in found[ended.id]["checks"]}
    assert states["relationship"] == "failed"
    assert "terminated" in found[ended.id]["error"]["message"]
    assert done.err.startswith("mstoken: sign-in: ok. Signed in today")
    assert sum(one.service == "partner" for one in csp.requests[before:]) == 1
    assert done.code == 6


def test_the_doctor_of_all_stops_at_a_sign_in_that_ended(partner: Program, csp: Emulator) -> None:
    """Nothing in any tenant would work."""
    csp.revoke(NADIA)
    assert partner("get", "graph", "--fresh").code == 3
    done = partner("partner", "doctor", "all")
    assert (done.code, done.out) == (3, "")
    assert "sign-in: failed. Entra ended the sign-in (AADSTS50173)." in done.err
    assert "next: Sign in again: `mstoken partner login`" in done.err


def test_a_billing_export_prints_its_files(program: Program, csp: Emulator) -> None:
    """As the application; the signature of the files' URLs is nowhere, not even among the steps."""
    graph = "00000003-0000-0000-c000-000000000000"
    csp.state.default_tenant.grants.append(Grant(csp.state.default_app.id, graph, roles=["PartnerBilling.Read.All"]))
    words = ("billing", "export", "unbilled-usage", "--currency", "EUR", "--period", "current", "--folder", "usage")
    done = program("partner", *words, MSTOKEN_DEBUG="1")
    csp.state.default_tenant.grants.pop()
    assert done.code == 0, done.err
    files = sorted((program.folder / "usage").glob("part-*"))
    assert done.out.splitlines() == [f"usage/{file.name}" for file in files]
    assert done.err.endswith("mstoken: 2 files, of which 2 downloaded now.\n")
    assert "sig=" not in done.err
    assert [file.stat().st_size > 0 for file in files] == [True, True]
    wrong = program("partner", *words[:3], "--invoice", "G1", "--folder", "usage")
    assert (wrong.code, "takes no invoice" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("consent",), "Missing argument"),
        (("consent", "all", "--grants", "graph"), "names no permissions of a resource"),
        (("login", "--scope", "x"), "No such option"),
    ],
)
def test_what_does_not_fit_is_refused(program: Program, words: tuple[str, ...], said: str) -> None:
    done = program("partner", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err

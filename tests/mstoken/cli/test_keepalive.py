"""`mstoken keepalive`: renewing old sign-ins from cron, with one line each."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.program import Program

from entra_emulator import Emulator

NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
DAY = 24 * 3600


@pytest.fixture
def signed_in(at_entra: Program, entra: Emulator) -> Program:
    """Nadia with the confidential application under `work`, Otto with the public one under `otto`."""
    assert at_entra("login", "--profile", "work", stdin=entra.sign_in(NADIA)).code == 0
    public = {"AZURE_CLIENT_ID": PUBLIC_APP, "AZURE_CLIENT_SECRET": ""}
    assert at_entra("login", "--profile", "otto", stdin=entra.sign_in(OTTO, PUBLIC_APP), **public).code == 0
    return at_entra


def _age(program: Program, account: str, days: int) -> None:
    """Set the renewal time of the sign-in in the vault."""
    vault = Path(program.environment["MSTOKEN_CACHE_DIR"], "vault", "vault.db")
    with closing(sqlite3.connect(vault)) as connection, connection:
        then = int(time.time()) - days * DAY
        connection.execute("UPDATE grants SET renewed_on = ? WHERE key = ?", (then, f"account:{account}"))


def _renewed_on(program: Program) -> dict[str, int]:
    return {one["account"]: one["renewed_on"] for one in json.loads(program("accounts", "-o", "json").out)}


def test_only_old_sign_ins_are_renewed(signed_in: Program, entra: Emulator) -> None:
    """The old sign-in gets a new refresh token and a line; the recent one is skipped in silence."""
    _age(signed_in, "otto", 40)
    before = len(entra.token_requests)
    result = signed_in("keepalive")
    assert result.code == 0, result.err
    assert sorted(line.split() for line in result.out.splitlines()) == [
        ["otto", "40", "days", "ago", "renewed"],
    ]
    assert len(entra.token_requests) == before + 1
    assert min(_renewed_on(signed_in).values()) > time.time() - 300
    assert signed_in("get", "graph", "--profile", "otto", AZURE_CLIENT_ID="", AZURE_CLIENT_SECRET="").code == 0


def test_a_dry_run_sends_no_request(signed_in: Program, entra: Emulator) -> None:
    """It shows what would be done."""
    _age(signed_in, "work", 25)
    before, ages = len(entra.token_requests), _renewed_on(signed_in)
    result = signed_in("keepalive", "--older-than", "21", "--dry-run")
    assert (result.code, result.out.count("would be renewed"), result.out.count("skipped")) == (0, 1, 1)
    assert (len(entra.token_requests), _renewed_on(signed_in)) == (before, ages)


def test_the_applications_credential_comes_from_environment_or_profile(signed_in: Program) -> None:
    """A confidential application's secret is found as for `mstoken get --profile`."""
    assert "renewed\n" in signed_in("keepalive", "--older-than", "0").out
    result = signed_in("keepalive", "--older-than", "0", AZURE_CLIENT_SECRET="")
    assert result.code == 6
    assert "failed: AADSTS7000218" in result.out


def test_a_failure_does_not_stop_the_others_and_shows_in_the_exit_code(signed_in: Program, entra: Emulator) -> None:
    """A revoked sign-in is reported with a remedy; the others are renewed; the exit code is 6, also the next time."""
    found = entra.state.user(OTTO)
    assert found
    found[1].tokens_valid_from = time.time() + 5
    try:
        first = signed_in("keepalive", "--older-than", "0")
        second = signed_in("keepalive", "--older-than", "0")
    finally:
        found[1].tokens_valid_from = 0
    for result in (first, second):
        assert result.code == 6
        assert "AADSTS50173" in result.out
        assert "mstoken login" in result.out
        assert result.out.count("renewed\n") == 1
    assert "reported this before" in second.out


def test_sign_ins_without_a_profile_are_renewed_too(signed_in: Program) -> None:
    """For a public application, the information stored at the sign-in is sufficient."""
    (signed_in.config / "config.toml").unlink()
    _age(signed_in, "otto", 50)
    result = signed_in("keepalive")
    assert result.code == 0, result.out
    assert "50 days ago" in result.out
    assert "renewed" in result.out


def test_an_empty_vault_is_no_failure(at_entra: Program) -> None:
    """A cron job on a new machine succeeds, and prints nothing; --verbose says why."""
    result = at_entra("keepalive")
    assert (result.code, result.out, result.err) == (0, "", "")
    result = at_entra("keepalive", "--verbose")
    assert (result.code, result.out, result.err) == (0, "", "mstoken: There are no stored sign-ins.\n")


def test_keepalive_prints_nothing_when_nothing_was_due(signed_in: Program) -> None:
    """Cron mails output, whatever the exit code; --verbose lists what was skipped."""
    result = signed_in("keepalive")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert signed_in("keepalive", "--verbose").out.count("skipped: recent enough") == 2


def test_quiet_keepalive_prints_only_failures(signed_in: Program) -> None:
    """A renewal that worked is no news with --quiet; one that failed is."""
    _age(signed_in, "otto", 40)
    result = signed_in("keepalive", "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert signed_in("keepalive", "--quiet", "--verbose").code == 2  # they exclude each other


def test_a_renewal_in_the_future_counts_as_old(signed_in: Program) -> None:
    """A wrong clock recorded it; otherwise the sign-in would be skipped until then and expire."""
    _age(signed_in, "otto", -365)
    result = signed_in("keepalive")
    assert result.code == 0, result.err
    assert sorted(line.split("  ")[0] for line in result.out.splitlines() if "renewed" in line.split()) == ["otto"]
    assert "in the future" in result.out
    assert abs(_renewed_on(signed_in)["otto"] - time.time()) < 300


@pytest.mark.parametrize(
    ("days", "said"),
    [(59, "valid for 3"), (61, "renew it soon, valid for 2"), (81, "renew it now, valid for ")],
)
def test_accounts_say_when_a_sign_in_needs_a_renewal(signed_in: Program, days: int, said: str) -> None:
    """After 60 and 80 of the 90 days without use."""
    _age(signed_in, "otto", days)
    [line] = [line for line in signed_in("accounts").out.splitlines() if line.startswith("otto ")]
    assert line.split("  ")[-1].startswith(said)

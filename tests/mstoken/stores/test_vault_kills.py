"""SIGKILL at any moment: a vault that opens, and a refresh token that was kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mstoken.model import StoredRefreshToken
from mstoken.stores.vault import Vault

KILLS, FIRST_KILLS = 60, 25


def test_a_kill_during_renewal_loses_no_acknowledged_token(workers: Any, tmp_path: Path) -> None:
    """After each kill the vault opens and holds the last token acknowledged or the one in flight, and goes on."""
    output, _ = workers.run("renew_until_killed", tmp_path / "vault", KILLS, "")
    trials = [line.split() for line in output.splitlines()]
    assert len(trials) == KILLS
    for said, current, previous, goes_on in trials[1:]:
        assert int(current) in {int(said), int(said) + 1}
        assert int(previous) == int(current) - 1
        assert goes_on == "True"
    assert int(trials[-1][1]) >= 2 * KILLS, "the killed children renewed nothing themselves"


def test_a_kill_during_creation_leaves_a_complete_vault_or_none(workers: Any, tmp_path: Path) -> None:
    """No half-made folder, key or database stands in the way of the next start."""
    tmp_path.chmod(0o700)
    output, _ = workers.run("renew_until_killed", tmp_path, FIRST_KILLS, "first")
    trials = [line.split() for line in output.splitlines()]
    assert len(trials) == FIRST_KILLS
    for said, current, _, goes_on in trials:
        assert (current == "-" and said == "0") or int(current) in {int(said), int(said) + 1}
        assert goes_on == "True"


def test_processes_that_create_the_vault_at_once_agree_on_one_key(workers: Any, tmp_path: Path) -> None:
    """Six at once: one key file, one token wins, and everybody can read it."""
    busy = [workers.start("renew", tmp_path / "vault", "r0", f"new {number}") for number in range(6)]
    for process in busy:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    kept = Vault(str(tmp_path / "vault")).load("account:anna")
    assert kept in {StoredRefreshToken(f"new {number}", "r0") for number in range(6)}
    assert sorted(os.listdir(tmp_path / "vault")) == ["vault.db", "vault.key"]  # noqa: PTH208

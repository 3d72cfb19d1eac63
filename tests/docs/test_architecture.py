"""docs/architecture.md is true to the code: its layers, the files that it names, and the length of its glossary."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.local_entra import entra
from tools import check_docs

from entra_emulator import Emulator

__all__ = ["entra"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_diagram_shows_the_layers_of_the_import_contract(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """tools/check_docs.py, part of make check, reports a layer that the diagram shows otherwise."""
    assert check_docs.stale_diagram() == []
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "architecture.md").write_text(PAGE.replace("forks.py", "spoons.py"), encoding="utf-8")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    monkeypatch.setattr(check_docs, "ROOT", tmp_path)
    assert ["forks" in problem or "spoons" in problem for problem in check_docs.stale_diagram()] == [True, True]


def test_each_layer_points_to_the_one_below() -> None:
    """The arrows make one column, so that GitHub draws them in order."""
    names = re.findall(r'^ +(\w+)\["', PAGE, re.MULTILINE)
    assert re.findall(r"--> (\w+)$", PAGE, re.MULTILINE) == names[1:]


def test_the_glossary_is_short() -> None:
    """At most thirty terms, each once."""
    terms = re.findall(r"^\| ([^|]+) \| ", PAGE.partition("## Glossary")[2], re.MULTILINE)[1:]
    assert len(terms) == len(set(terms))
    assert 10 < len(terms) <= 30


PATH = PAGE.partition("## The path of one call")[2].partition("## Glossary")[0]
LIST, UNDER_ASYNCIO, OF_A_USER = (
    PATH[start:end]
    for start, end in pairwise([0, PATH.index("With `AsyncClient`"), PATH.index("With a user's credential"), len(PATH)])
)
NADIA = "nadia@northwind-partner.example"


def functions_of(text: str) -> list[str]:
    """The functions that a text names as `function` in `file`, in its order, as tests/support/traced_call.py prints."""
    return [f"{file} {name}" for name, file in re.findall(r"`([\w.]+)`\s+in\s+`([\w/]+\.py)`", text)]


def traced(entra: Emulator, kind: str, *, refresh_token: str = "") -> list[str]:
    """The functions that one `get_token` enters in a fresh process; `kind` is blocking or asyncio."""
    environment = {**os.environ, **entra.environment(), "MSTOKEN_REFRESH_TOKEN": refresh_token}
    arguments = [kind, entra.state.default_tenant.id, environment["AZURE_CLIENT_ID"], entra.authority]
    program = [sys.executable, str(ROOT / "tests" / "support" / "traced_call.py"), *arguments]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def first_not_entered(named: list[str], entered: list[str]) -> str:
    """The first of the named functions that is not entered after those before it; '' if all are, in this order."""
    rest = iter(entered)
    return next((function for function in named if function not in rest), "")


def test_the_path_of_one_call_is_the_one_it_takes(entra: Emulator) -> None:
    """A call of get_token enters the functions of the list in its order, and no package that the list leaves out."""
    named, entered = functions_of(LIST), traced(entra, "blocking")
    assert len(named) > 30
    assert first_not_entered(named, entered) == ""
    swapped = [*named[:9], named[10], named[9], *named[11:]]
    assert first_not_entered(swapped, entered) != ""
    assert {name.partition("/")[0] for name in entered if "/" in name} == {name.partition("/")[0] for name in named}


def test_the_path_under_asyncio_is_the_one_it_takes(entra: Emulator) -> None:
    """Its own functions take the place of the blocking ones, and the thread does the same as without asyncio."""
    start, port, send, start_worker = functions_of(UNDER_ASYNCIO)
    replaced = {"client/blocking.py Client.get_token": [start], "client/blocking.py Client._port": []}
    replaced |= {"runtimes/blocking.py run_blocking": [], "runtimes/blocking.py BlockingRuntime.send": [port, send]}
    whole = [own for name in functions_of(LIST) for own in replaced.get(name, [name])]
    assert first_not_entered(whole, traced(entra, "asyncio")) == ""
    assert first_not_entered([send, start_worker], traced(entra, "asyncio")) == ""


def test_the_path_of_a_user_is_the_one_it_takes(entra: Emulator) -> None:
    """The new refresh token is stored before the access token, after the steps that both kinds of credential share."""
    named, steps = functions_of(OF_A_USER), functions_of(LIST)
    flow = steps.index("flows/table.py flow_of")
    send = steps.index("flows/client_auth.py client_auth")
    save = steps.index("stores/memory.py MemoryAccessTokens.save")
    partition = "credentials/base.py application_partition"
    before = [step for step in steps[:flow] if step != partition]
    whole = [*before, *named[:-1], *steps[send:save], named[-1], *steps[save:]]
    assert first_not_entered(whole, traced(entra, "blocking", refresh_token=entra.sign_in(NADIA))) == ""

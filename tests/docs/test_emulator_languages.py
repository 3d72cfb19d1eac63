"""The programs of docs/emulator-languages.md run against the emulator, each in its language; .NET's is not run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.builds import BUILDS, CLIENTS, GO, JAVA
from tests.support.java import java_options
from tests.support.node import FOLDER, command, needs_node
from tests.support.pwsh import PWSH, needs_pwsh
from tests.support.scripted_user import use_emulator_environment

from entra_emulator import Emulator

PAGE = Path(__file__).parent.parent.parent / "docs" / "emulator-languages.md"
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
pytestmark = pytest.mark.languages
Command = Callable[[Path], list[str]]


def _python(folder: Path) -> list[str]:
    (folder / "main.py").write_text(BLOCKS["python"])
    return [sys.executable, "-W", "error", str(folder / "main.py")]


def _node(folder: Path) -> list[str]:
    (folder / "main.mjs").write_text(BLOCKS["js"])
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    return [*command("")[:-1], str(folder / "main.mjs")]


def _go(_: Path) -> list[str]:
    """Compiled once, as the tests' own program is."""
    sources = BUILDS / "page.go"
    sources.mkdir(parents=True, exist_ok=True)
    files = {name: (CLIENTS / "go" / name).read_text() for name in ("go.mod", "go.sum")} | {"main.go": BLOCKS["go"]}
    for name, text in files.items():
        if not (sources / name).exists() or (sources / name).read_text() != text:
            (sources / name).write_text(text)
    return [str(replace(GO, name="page of Go", folder=sources).output() / "program")]


def _java(folder: Path) -> list[str]:
    (folder / "Main.java").write_text(BLOCKS["java"])
    return ["java", "-cp", f"{JAVA.output()}/lib/*", str(folder / "Main.java")]


def _powershell(folder: Path) -> list[str]:
    (folder / "main.ps1").write_text(BLOCKS["powershell"])
    return [str(PWSH), "-NoProfile", "-NonInteractive", "-File", str(folder / "main.ps1")]


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(_python, id="python"),
        pytest.param(_node, id="js", marks=needs_node),
        pytest.param(_go, id="go"),
        pytest.param(_java, id="java"),
        pytest.param(_powershell, id="powershell", marks=needs_pwsh),
    ],
)
def test_a_program_gets_its_token_from_the_emulator(
    prepare: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It prints what the page shows, and the emulator has issued one token, to the default application."""
    program = prepare(tmp_path)
    with Emulator() as entra:
        use_emulator_environment(entra, monkeypatch)
        if prepare is _java:
            monkeypatch.setenv("JAVA_TOOL_OPTIONS", java_options(entra))
        done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(r"a token of \d{3,4} characters\n", done.stdout)
        assert [(one.status, one.client_id) for one in entra.token_requests] == [(200, entra.state.default_app.id)]


def test_every_program_of_the_page_is_run_or_marked() -> None:
    """Ten lines or a little more each; the only block that does not run is .NET's, and its heading says so."""
    assert set(BLOCKS) == {"python", "text", "js", "go", "java", "powershell", "csharp"}
    assert ".NET (not run by the tests)" in PAGE.read_text(encoding="utf-8")
    assert all(len(code.splitlines()) <= 25 for code in BLOCKS.values())

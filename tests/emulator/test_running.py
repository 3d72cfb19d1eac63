"""Emulators that run on their own: how they are found, and their settings in the words of shells and languages."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from entra_emulator import Emulator, environment, running
from entra_emulator.command import env
from entra_emulator.shells import KINDS, render


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Emulators of this test are looked for, and put, in a folder of its own."""
    monkeypatch.setattr(environment, "MEMORY", str(tmp_path))
    monkeypatch.setattr(running, "MEMORY", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def announced(places: Path) -> Iterator[Emulator]:
    """A running emulator that can be found."""
    with Emulator() as emulator:
        emulator.announce()
        yield emulator


def test_folder_is_in_memory(entra: Emulator) -> None:
    """Where the system has a memory-backed place, the private folder is in it, and is this user's alone."""
    if not os.access(environment.MEMORY, os.W_OK):
        pytest.skip("no memory-backed place here")
    folder = entra.ca_file.parent
    assert folder.parent == Path(environment.MEMORY)
    assert folder.stat().st_mode & 0o077 == 0


def test_folder_elsewhere(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without such a place it is in the usual folder for temporary files."""
    monkeypatch.setattr(environment, "MEMORY", "/nowhere")
    with Emulator() as emulator:
        assert emulator.ca_file.parent.parent == places


def test_settings_of_a_running_one(announced: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    """The settings are found without being told where, and go to stdout alone."""
    assert env("json") == 0
    out = capsys.readouterr()
    assert out.err == ""
    told = json.loads(out.out)
    assert told["AZURE_AUTHORITY_HOST"] == announced.authority
    assert told["ENTRA_EMULATOR_ADMIN_KEY"] == announced.admin_key


def test_none_and_several(announced: Emulator, places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two have to be told apart by port; one that ended without clearing up is not found."""
    port = int(announced.authority.rpartition(":")[2])
    with Emulator() as other:
        other.announce()
        assert env() == 1
        assert "--port" in capsys.readouterr().err
        assert env("bash", port) == 0
        left = places / f"{environment.FOLDER_PREFIX}left"
        shutil.copytree(other.ca_file.parent, left)
    assert running.find().port == port
    assert env("bash", 1) == 1
    assert "port 1" in capsys.readouterr().err


def test_damaged_note_is_passed_over(places: Path) -> None:
    """A note that cannot be read is nobody's."""
    for text in ("{", "[]", '{"port": "x"}'):
        folder = Path(tempfile.mkdtemp(prefix=environment.FOLDER_PREFIX, dir=places))
        (folder / running.NOTE).write_text(text)
    with pytest.raises(running.NotFound, match="mstoken emulator"):
        running.find()


VALUES = {"AZURE_A": "plain", "AZURE_B": 'it\'s $HOME `x` "y" \\ z', "HTTPS_PROXY": "http://127.0.0.1:99"}
READ = "import json, os; print(json.dumps([os.environ['AZURE_A'], os.environ['AZURE_B']]))"


@pytest.mark.parametrize(("kind", "shell"), [("bash", ["bash", "-c"]), ("node", ["sh", "-c"]), ("go", ["bash", "-c"])])
def test_shells_read_what_is_printed(kind: str, shell: list[str]) -> None:
    """What is printed for a shell sets exactly these values when it reads it."""
    text = f"{render(VALUES, kind)}\nexec '{sys.executable}' -c \"{READ}\""
    done = subprocess.run([*shell, text], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [VALUES["AZURE_A"], VALUES["AZURE_B"]]


def test_fish_reads_what_is_printed() -> None:
    """And so does fish, where it is installed; else its quoting is checked by eye here."""
    text = render(VALUES, "fish")
    assert "set -gx AZURE_B 'it\\'s $HOME `x` \"y\" \\\\ z'" in text


def test_powershell_quotes() -> None:
    """PowerShell doubles single quotes within single quotes, and leaves the rest."""
    assert "$env:AZURE_B = 'it''s $HOME `x` \"y\" \\ z'" in render(VALUES, "powershell")


def test_python_reads_what_is_printed() -> None:
    """Python gets statements."""
    code = f"{render(VALUES, 'python')}\n{READ}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [VALUES["AZURE_A"], VALUES["AZURE_B"]]


def test_each_kind_names_the_authority(announced: Emulator) -> None:
    """Every shell and language is told the authority and the identity."""
    settings = announced.announce()
    for kind in KINDS:
        text = render(settings, kind)
        assert announced.authority in text
        assert announced.state.default_app.id in text


JAVA = """
import java.net.*;
public class Probe {
  public static void main(String[] a) throws Exception {
    var url = new URL("https://login.microsoftonline.com/common/discovery/v2.0/keys");
    System.out.println(((HttpURLConnection) url.openConnection()).getResponseCode());
  }
}
"""


@pytest.mark.skipif(shutil.which("java") is None, reason="no Java here")
def test_java_goes_through(announced: Emulator, tmp_path: Path) -> None:
    """Java reaches Microsoft's name through the proxy and trusts the emulator, by its tool options alone."""
    (tmp_path / "Probe.java").write_text(JAVA)
    script = f"{render(announced.announce(), 'java')}\nexec java {tmp_path}/Probe.java"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, timeout=120)
    if "Error: Module jdk.compiler not found" in done.stderr or "compiler" in done.stderr.lower():
        pytest.skip("Java without its compiler")
    assert done.stdout.strip() == "200", done.stderr

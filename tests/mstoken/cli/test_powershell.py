"""`mstoken powershell`: the module's files in the folder of this user, with the Python that starts mstoken."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path

from tests.support.program import Program

import mstoken


def test_the_printed_manifest_is_that_of_a_private_copy(at_entra: Program) -> None:
    first, second = (at_entra("powershell") for _ in range(2))
    assert (first.code, first.err) == (0, "")
    assert first.out == second.out
    manifest = Path(first.out.strip())
    assert manifest.name == "MsToken.psd1"
    assert manifest.is_file()
    assert stat.S_IMODE(manifest.parent.parent.stat().st_mode) == 0o700


def test_the_record_names_a_python_that_serves_a_session(at_entra: Program) -> None:
    """A mstoken.py in the current folder is not loaded in its place."""
    folder = Path(at_entra("powershell").out.strip()).parent
    python, arguments, variables, version = (folder / "MsToken.program.txt").read_text().splitlines()
    (at_entra.folder / "mstoken.py").write_text("raise SystemExit('loaded from the folder')")
    command = [python, *arguments.split(), "session"]
    done = subprocess.run(
        command, input=b"", capture_output=True, cwd=at_entra.folder, env=at_entra.environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    ready = json.loads(done.stdout)["ready"]
    assert version == f"mstoken {mstoken.__version__}"
    assert all(re.search(variables, name) for name in ready["environment"]["names"])
    assert all(re.search(variables, f"{prefix}X") for prefix in ready["environment"]["prefixes"])
    assert not re.search(variables, "PATHEXT")


def test_a_changed_copy_is_written_again(at_entra: Program) -> None:
    module = Path(at_entra("powershell").out.strip()).with_name("Token.ps1")
    before = module.read_bytes()
    module.write_text("changed")
    assert at_entra("powershell").code == 0
    assert module.read_bytes() == before


def test_install_puts_the_module_where_powershell_looks(at_entra: Program) -> None:
    data = at_entra.folder / "data"
    for _ in range(2):  # an earlier installation is replaced
        result = at_entra("powershell", "--install", XDG_DATA_HOME=str(data))
        assert (result.code, result.out) == (0, "")
        folder = data / "powershell" / "Modules" / "MsToken" / mstoken.__version__
        assert str(folder) in result.err
        assert (folder / "MsToken.psd1").is_file()
        assert [path.name for path in folder.parent.iterdir()] == [mstoken.__version__]


def test_install_says_why_it_cannot(at_entra: Program) -> None:
    (at_entra.folder / "file").write_text("")
    result = at_entra("powershell", "--install", XDG_DATA_HOME=str(at_entra.folder / "file"))
    assert result.code == 1
    assert "cannot be written" in result.err


def test_the_manifest_has_the_version_of_the_package(at_entra: Program) -> None:
    text = Path(at_entra("powershell").out.strip()).read_text()
    [version] = re.findall("ModuleVersion = '(.*)'", text)
    assert version == mstoken.__version__

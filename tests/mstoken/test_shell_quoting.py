"""Quoting: the real shells, and the readers of files, read back a thousand awkward values."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.pwsh import needs_pwsh, run_pwsh

from entra_emulator import quoting, shells
from mstoken import shell_quoting

PIECES = [
    *"'\"`$\\;&|<>(){}[]*?~#!%^,@=+-:/. \t\x1b\x07\x7f",
    *"\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00b4\u00a0\u2028\u2029\u0085\ufeff\u202e",
    *(
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "${HOME}",
        "$HOME",
        "$(id)",
        "`id`",
        "$env:PATH",
        "%PATH%",
        "@'",
        "'@",
        "`n",
        "\\n",
        "\\'",
    ),
    *(
        "a",
        "B",
        "7",
        "é",
        "ß",
        "日本",
        "😀",
        "\u2019;Write-Output PWNED;#",
        "';id;'",
        '";id;"',
        "--",
        "-x",
        "--%",
        "...",
        "1e3",
    ),
]


def awkward(count: int) -> list[str]:
    """The same values in every run: each piece alone, then pieces put together."""
    dice = random.Random("awkward values")  # noqa: S311 - the same in every process
    values = list(PIECES)
    while len(values) < count:
        values.append("".join(dice.choice(PIECES) for _ in range(dice.randint(1, 8))))
    return values


VALUES = awkward(1000)
SETTINGS = {f"V{number}": value for number, value in enumerate(VALUES)}
DUMP = "import json, os; print(json.dumps([os.environ.get(f'V{number}') for number in range(1000)]))"
ECHO = "import json, sys; print(json.dumps(sys.argv[1:]))"


def read_by(*command: str, folder: Path) -> list[str]:
    """What a program finds that the shell starts."""
    done = subprocess.run(command, capture_output=True, cwd=folder, check=True, timeout=120, env=minimal())
    found: list[str] = json.loads(done.stdout)
    return found


def minimal() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LANG": "C.UTF-8"}


def test_both_packages_quote_alike() -> None:
    """mstoken and the emulator have the same rules, although neither imports the other."""
    for name in ("posix", "fish", "powershell", "dotenv"):
        ours: Callable[[str], str] = getattr(shell_quoting, name)
        theirs: Callable[[str], str] = getattr(quoting, name)
        assert [ours(value) for value in VALUES] == [theirs(value) for value in VALUES], name


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_posix_shells_read_each_value_back(tmp_path: Path, shell: str) -> None:
    """`eval "$(…)"` sets each variable to its value, byte for byte; nothing in a value is run."""
    (tmp_path / "settings").write_text(shells.render(SETTINGS, "bash"), newline="")
    program = f'eval "$(cat settings)"; exec "{sys.executable}" -c "$1"'
    assert read_by(shell, "-c", program, shell, DUMP, folder=tmp_path) == VALUES


def test_bytes_that_are_no_text_stay_bytes(tmp_path: Path) -> None:
    """A variable of POSIX is bytes; one that is not UTF-8 comes back as it was."""
    value = b"caf\xe9 \xff'".decode(errors="surrogateescape")
    (tmp_path / "settings").write_bytes(shells.render({"V0": value}, "bash").encode(errors="surrogateescape"))
    program = 'eval "$(cat settings)"; printf %s "$V0"'
    done = subprocess.run(["bash", "-c", program], capture_output=True, cwd=tmp_path, check=True, env=minimal())
    assert done.stdout == b"caf\xe9 \xff'"


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
@pytest.mark.parametrize("how", ["source settings", "eval (cat settings)"])
def test_fish_reads_each_value_back(tmp_path: Path, how: str) -> None:
    """Both ways to evaluate a program's output set each variable to its value."""
    (tmp_path / "settings").write_text(shells.render(SETTINGS, "fish") + "\n", newline="")
    how = how if how.startswith("source") else "for line in (cat settings); eval $line; end"
    program = f"{how}; exec '{sys.executable}' -c $argv[1]"
    assert read_by("fish", "--no-config", "-c", program, DUMP, folder=tmp_path) == VALUES


@needs_pwsh
def test_powershell_reads_each_value_back_line_by_line(tmp_path: Path) -> None:
    """A program's output, line by line through Invoke-Expression, in ASCII: it holds in every code page."""
    text = shells.render(SETTINGS, "powershell")
    (tmp_path / "settings").write_text(text, encoding="ascii", newline="")
    (tmp_path / "dump.py").write_text(DUMP)
    program = f"& '{sys.executable}' -c 'print(open(\"settings\").read())' | Invoke-Expression\n"
    done = run_pwsh(f"{program}& '{sys.executable}' dump.py", minimal(), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == VALUES


def test_python_dotenv_reads_each_value_back() -> None:
    """A .env file has each value on one line; python-dotenv returns it. (Its `${NAME}` has no escape.)"""
    dotenv = pytest.importorskip("dotenv")
    text = shells.render(SETTINGS, "dotenv")
    assert len(text.split("\n")) == len(SETTINGS)
    assert "\r" not in text
    assert dotenv.dotenv_values(stream=io.StringIO(text, newline=""), interpolate=False) == SETTINGS


def test_json_has_each_value_in_ascii_and_no_name_twice() -> None:
    """Names that differ in case only are one variable on Windows, and ConvertFrom-Json refuses them."""
    text = shells.render({**SETTINGS, "HTTPS_PROXY": "a", "https_proxy": "b", "lower": "c"}, "json")
    assert text.isascii()
    assert json.loads(text) == {**SETTINGS, "HTTPS_PROXY": "a", "lower": "c"}


def test_python_reads_each_value_back(tmp_path: Path) -> None:
    """The statements for Python are Python's own literals."""
    (tmp_path / "settings.py").write_text(f"{shells.render(SETTINGS, 'python')}\n{DUMP}", encoding="utf-8")
    assert read_by(sys.executable, "settings.py", folder=tmp_path) == VALUES


ANY = [value for value in VALUES if shell_quoting.any_shell(value)]


def test_most_values_have_a_form_for_all_shells() -> None:
    """Without a form for all, the caller prints the reader's own; a name with an apostrophe has one."""
    assert len(ANY) > 300
    assert shell_quoting.any_shell("o'brien") == '"o\'brien"'
    assert shell_quoting.any_shell("@certificate.pem") == "'@certificate.pem'"
    assert shell_quoting.any_shell("contoso.example") == "contoso.example"
    assert shell_quoting.any_shell("a'b$c") == ""


@pytest.mark.parametrize("shell", ["bash", "sh", "fish"])
def test_a_form_for_all_shells_is_one_argument(tmp_path: Path, shell: str) -> None:
    """What any_shell quotes reaches a program as it was."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    (tmp_path / "echo.py").write_text(ECHO)
    words = " ".join(map(shell_quoting.any_shell, ANY))
    (tmp_path / "script").write_text(f"'{sys.executable}' echo.py {words}\n", newline="")
    assert read_by(shell, "script", folder=tmp_path) == ANY


@needs_pwsh
def test_a_form_for_all_shells_is_one_argument_in_powershell(tmp_path: Path) -> None:
    """And so it does in PowerShell, as does what is quoted for PowerShell alone, but for its stop-parsing token."""
    values = [value for value in VALUES if value != "--%"]
    (tmp_path / "echo.py").write_text(ECHO)
    words = " ".join([*map(shell_quoting.any_shell, ANY), *map(shell_quoting.powershell, values)])
    done = run_pwsh(f"& '{sys.executable}' echo.py {words}", minimal(), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [*ANY, *values]


@pytest.mark.parametrize(
    "text", [" ", "a b", 'a "b" c', "C:\\my folder\\", 'a \\"b', 'a \\\\"b\\\\', ' "', "\\\\host\\my share\\"]
)
def test_cmd_follows_the_rule_of_windows_programs(text: str) -> None:
    """Python's own implementation of the rule quotes a text with a blank in the same way."""
    assert shell_quoting.cmd(text) == subprocess.list2cmdline([text])

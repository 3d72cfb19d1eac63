"""`-o json` is JSON for every reader: PowerShell, jq and Python, whatever encoding the output has."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.programs import require
from tests.support.pwsh import needs_pwsh, run_pwsh
from tests.support.unsigned_tokens import jwt, user_v2

NAME = "Zoë O\u2019Brien 日本 😀 \x7f\u202e\u2028"
ENCODINGS = ("cp1252", "cp437", "cp932", "latin-1", "utf-8")
TOKEN = jwt(user_v2(name=NAME))
COMMANDS: list[tuple[str, str]] = [
    ("get graph -o json", ""),
    ("get graph -o az", ""),
    ("get graph -o azd", ""),
    ("accounts -o json", ""),
    ("cache list -o json", ""),
    ("config show -o json", ""),
    ("services -o json", ""),
    ("doctor -o json", ""),
    ("explain AADSTS50076 -o json", ""),
    ("explain --list -o json", ""),
    ("inspect -o json", TOKEN),
    ("inspect nothing -o json", ""),
    ("get no-such-service -o json", ""),
]
PROFILE = f'[profile."work"]\ntenant = "contoso.example"\nclient_id = "c"\nclient_secret = "file:/tmp/{NAME[:13]}"\n'


@pytest.fixture
def machine(at_entra: Program) -> Program:
    """A program with awkward values in its profile, its environment and its proxies."""
    at_entra.profile(PROFILE)
    at_entra.environment |= {"PYTHONUTF8": "0", "no_proxy": at_entra.environment["NO_PROXY"] + ",other.example"}
    return at_entra


def outputs(program: Program, encoding: str) -> Iterator[tuple[str, bytes]]:
    """What each command prints: the result, or the error."""
    for words, stdin in COMMANDS:
        done = program(*words.split(), stdin=stdin, PYTHONIOENCODING=encoding)
        printed = done.raw or done.err.encode()
        assert printed.isascii(), words
        yield words, printed


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_python_and_jq_read_the_same_in_every_encoding(machine: Program, encoding: str) -> None:
    """The bytes are JSON of RFC 8259, in ASCII; no name occurs twice in an object, not even in another case."""
    require("jq")
    for words, printed in outputs(machine, encoding):
        for line in printed.splitlines() if printed.count(b"\n{") else [printed]:
            document = json.loads(line.decode(encoding), object_pairs_hook=without_repetition)
            done = subprocess.run(["jq", "-c", "."], input=line, capture_output=True, check=True)
            assert json.loads(done.stdout) == document, words
        if words == "inspect -o json":
            assert document["claims"]["name"] == NAME


def without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose names differ in more than case."""
    assert len({name.lower() for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


@needs_pwsh
def test_convertfrom_json_reads_every_output(machine: Program, tmp_path: Path) -> None:
    """PowerShell makes an object of each, without -AsHashtable."""
    count = 0
    for encoding in ENCODINGS[:2]:
        for _, printed in outputs(machine, encoding):
            (tmp_path / f"{count}.json").write_bytes(printed)
            count += 1
    program = """
    Get-ChildItem *.json | ForEach-Object { $null = Get-Content $_ -Raw | ConvertFrom-Json -ErrorAction Stop; 'read' }
    """
    done = run_pwsh(program, machine.environment, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["read"] * count


def test_doctor_shows_each_proxy_variable_with_its_value(machine: Program) -> None:
    """Variables of proxies and certificates are in `network`, a list, because two of them may differ in case only."""
    found = json.loads(machine("doctor", "-o", "json").out)
    network = {setting["name"]: setting["value"] for setting in found["network"]}
    assert network["HTTPS_PROXY"] == network["https_proxy"] == machine.environment["HTTPS_PROXY"]
    assert not {"HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"} & set(found["environment"])

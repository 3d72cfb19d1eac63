"""What foreign code raises on the command line: an error with what to do next, and never "a bug in mstoken"."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.program import Program, RunResult

TENANT = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01"
CLIENT_ID = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"
WHO = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID}

BACKEND = """
from keyring.backend import KeyringBackend

class DBusError(Exception):
    def __str__(self):
        raise RuntimeError("the bus is gone")

class Broken(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        raise {raised}

    set_password = delete_password = get_password
"""


@pytest.fixture
def program(anonymous: Program) -> Program:
    """The program without an identity."""
    return anonymous


def explained(result: RunResult) -> bool:
    """Whether the error is one of ours, with what to do next."""
    return "bug in mstoken" not in result.err and "Traceback" not in result.err and "\n  next: " in result.err


def with_profile(program: Program, line: str) -> None:
    program.profile(f'[profile.work]\ntenant = "{TENANT}"\nclient_id = "{CLIENT_ID}"\n{line}\n')


@pytest.mark.parametrize(
    "raised", ["DBusError()", "ValueError(1)", "NotImplementedError", "StopIteration", "ImportError('secretstorage')"]
)
def test_a_keyring_backend_with_exceptions_of_its_own(program: Program, tmp_path: Path, raised: str) -> None:
    """The error names the keyring's entry and the exception."""
    (tmp_path / "broken_backend.py").write_text(BACKEND.format(raised=raised))
    with_profile(program, 'client_secret = "keyring:mstoken/app"')
    python_path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    backend = {"PYTHONPATH": python_path, "PYTHON_KEYRING_BACKEND": "broken_backend.Broken"}
    for command in ("get", "graph"), ("doctor",):
        result = program(*command, "--profile", "work", **backend)
        assert explained(result), result.err
        assert "The request to the keyring for mstoken/app failed with " in result.err
        assert result.code == 2


@pytest.mark.parametrize(
    "line",
    [
        'client_secret = "command:no-such-program-here"',
        'client_secret = "command:/etc"',
        'client_secret = "command:printf \\u0000"',
        'client_secret = "command:\'unclosed"',
        'client_assertion = "command:no-such-program-here"',
        """client_secret = "command:''" """,
    ],
)
def test_a_command_that_cannot_start(program: Program, line: str) -> None:
    """Not there, a folder, a NUL character, an open quotation mark, no name at all."""
    with_profile(program, line)
    result = program("get", "graph", "--profile", "work")
    assert explained(result), result.err
    assert result.code == 2


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\x7f", "\N{SNOWMAN}"])
@pytest.mark.parametrize(
    ("name", "job"),
    [
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://127.0.0.1:9/x"}),
        ("IDENTITY_HEADER", {"IDENTITY_ENDPOINT": "http://127.0.0.1:9/x"}),
        ("MSI_SECRET", {"MSI_ENDPOINT": "http://127.0.0.1:9/x"}),
    ],
)
def test_a_token_of_the_platform_that_no_header_can_carry(
    program: Program, name: str, job: dict[str, str], ending: str
) -> None:
    """The variable is named, its value is not shown, and nothing is sent."""
    who = WHO if name.startswith("ACTIONS") else {}
    result = program("get", "arm", **who, **job, **{name: f"hid\nden{ending}"})
    assert explained(result), result.err
    assert f"{name} has a character that a header cannot carry" in result.err
    assert "den" not in result.err.replace("identity", "")
    assert result.code == 2


def test_azure_pipelines_token_that_no_header_can_carry(program: Program) -> None:
    """The same for a job of Azure Pipelines."""
    with_profile(program, 'client_assertion = "azure-pipelines:connection"')
    job = {"SYSTEM_OIDCREQUESTURI": "https://127.0.0.1:9/x", "SYSTEM_ACCESSTOKEN": "hidden\n"}
    result = program("get", "graph", "--profile", "work", **job)
    assert explained(result), result.err
    assert "SYSTEM_ACCESSTOKEN has a character that a header cannot carry. It ends with a line break." in result.err

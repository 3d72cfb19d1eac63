"""Bytes that are not UTF-8, in arguments and in the environment, get an error of ours that names where they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.program import UNREACHABLE, Program

ODD = "caf\udce9"
"""What Python makes of the bytes `caf\\xe9` (PEP 383)."""

IDENTITY = {
    "AZURE_TENANT_ID": "contoso.onmicrosoft.com",
    "AZURE_CLIENT_ID": "6731de76-14a6-49ae-97bc-6eba6914391e",
    "AZURE_CLIENT_SECRET": "only-for-this-test",
    "AZURE_AUTHORITY_HOST": "https://localhost:9",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": UNREACHABLE,
}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    made = Program(tmp_path)
    made.environment |= IDENTITY
    return made


@pytest.mark.parametrize(
    "arguments",
    [
        ("get", ODD),
        ("get", "graph", "--tenant", ODD),
        ("get", "graph", "--client-id", ODD),
        ("get", "graph", "--profile", ODD),
        ("get", "graph", "--cloud", ODD),
        ("get", "graph", "--authority", ODD),
        ("get", "--scope", ODD),
        ("get", "--scope", "a", "--scope", ODD),
        ("get", "graph", "--claims", ODD),
        ("get", "graph", "--pop", ODD),
        ("get", "graph", f"--tenant={ODD}"),
        ("request", "GET", ODD),
        ("request", ODD, "https://graph.microsoft.com/"),
        ("request", "GET", "https://graph.microsoft.com/", "-H", f"X: {ODD}"),
        ("request", "GET", "https://graph.microsoft.com/", "--origin", ODD),
        ("login", "--device", "--login-hint", ODD),
        ("login", "--browser", "--prompt", ODD),
        ("logout", ODD),
        ("cache", "show", "--account", ODD),
        ("cache", "clear", "--tenant", ODD),
        ("services", ODD),
        ("explain", ODD),
        (ODD,),
    ],
)
def test_an_argument_that_is_no_text_is_refused(program: Program, arguments: tuple[str, ...]) -> None:
    """Exit code 2, a message that can be shown, no traceback."""
    result = program(*arguments)
    assert result.code == 2, result.err
    assert "bug" not in result.err
    assert "Traceback" not in result.err
    assert result.out == ""


@pytest.mark.parametrize(
    "name",
    [
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "AZURE_AUTHORITY_HOST",
        "AZURE_TOKEN_CREDENTIALS",
        "MSTOKEN_PROFILE",
        "MSTOKEN_CLOUD",
        "MSTOKEN_STORE",
        "MSTOKEN_REFRESH_TOKEN",
        "MSTOKEN_USER_ASSERTION",
    ],
)
@pytest.mark.parametrize("command", ["get", "doctor"])
def test_a_variable_that_is_no_text_is_named(program: Program, command: str, name: str) -> None:
    """It decides who asks or where, and could not be sent."""
    result = program(command, *(["graph"] if command == "get" else []), **{name: ODD})
    assert result.code == 2, result.err
    assert name in result.err or (command, name) == ("doctor", "MSTOKEN_STORE")  # which says: no URL of a store
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "variables",
    [
        {"IDENTITY_ENDPOINT": "http://127.0.0.1:9/", "IDENTITY_HEADER": ODD},
        {"IDENTITY_ENDPOINT": f"http://127.0.0.1:9/{ODD}", "IDENTITY_HEADER": "x"},
        {"MSI_ENDPOINT": f"http://127.0.0.1:9/{ODD}"},
        {"MSI_ENDPOINT": "http://127.0.0.1:9/", "MSI_SECRET": ODD},
        {"AZURE_POD_IDENTITY_AUTHORITY_HOST": f"http://127.0.0.1:9/{ODD}"},
        {"AZURE_FEDERATED_TOKEN_FILE": f"/nowhere/{ODD}"},
        {"ACTIONS_ID_TOKEN_REQUEST_URL": f"https://localhost:9/{ODD}", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"},
        {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://localhost:9/", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ODD},
        {"HTTPS_PROXY": f"http://{ODD}:9", "https_proxy": f"http://{ODD}:9"},
        {"NO_PROXY": ODD, "no_proxy": ODD},
        {"SSL_CERT_FILE": f"/nowhere/{ODD}"},
        {"MSTOKEN_CONFIG_DIR": f"/nowhere/{ODD}"},
        {"MSTOKEN_CACHE_DIR": f"/proc/{ODD}"},
        {"MSTOKEN_VAULT_KEY": ODD, "MSTOKEN_REFRESH_TOKEN": "r"},
    ],
)
@pytest.mark.parametrize("secret", ["only-for-this-test", ""])
def test_no_variable_makes_a_traceback(program: Program, variables: dict[str, str], secret: str) -> None:
    """Addresses, secrets and paths of the platform: an error of ours, whatever is found first."""
    result = program("get", "graph", **{"AZURE_CLIENT_SECRET": secret} | variables)
    assert result.code in {2, 4, 5}, result.err
    assert "bug" not in result.err
    assert "Traceback" not in result.err


def test_data_may_be_any_bytes(program: Program, tmp_path: Path) -> None:
    """The body of a request is bytes, on the command line and in a file whose name is no text."""
    for data in (ODD, f"@{tmp_path}/{ODD}"):
        result = program("request", "POST", "https://graph.microsoft.com/", "-d", data)
        assert "not UTF-8" not in result.err
        assert "bug" not in result.err

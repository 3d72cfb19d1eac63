"""Nothing that a server or a token says steers the terminal, in words or as JSON; programs get the same text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.token_service import TENANT, TokenService, token_reply
from tests.support.unsigned_tokens import app_v1, jwt

HOSTILE = "a\x1b[2J\x9b2J\x7f\u202eb\u2066\u200b\u2028\ufeff\ud800\U000e0001\u00a0é🙂"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def shown(text: str) -> str:
    """What is left of the output that a terminal must not get."""
    return "".join(letter for letter in text if not letter.isprintable() and letter != "\n")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_tokens_claims_are_shown_and_not_obeyed(program: Program, form: str) -> None:
    """Control, format and surrogate characters of a token are replaced in words and escaped in JSON."""
    token = jwt(app_v1(app_displayname=HOSTILE, roles=[HOSTILE]))
    result = program("inspect", "-o", form, stdin=token)
    assert result.code == 0
    assert shown(result.out) == ""
    if form == "json":
        assert json.loads(result.out)["claims"]["app_displayname"] == HOSTILE
        assert result.out.isascii()  # read in any code page, it is the same text


@pytest.mark.parametrize("kind", ["Bearer\r\nX-Injected: 1", "Bearer\nX-Injected: 1", "Bearer\u2028X: 1"])
@pytest.mark.parametrize("form", ["header", "token", "env", "json", "az"])
def test_a_token_type_adds_no_header(program: Program, token_service: TokenService, form: str, kind: str) -> None:
    """`mstoken get -o header | curl -H @-` sends the one header or none: the answer is refused."""
    token_service.script = [token_reply("a", token_type=kind)]
    identity = {
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": "app",
        "AZURE_CLIENT_SECRET": "s",
        "AZURE_AUTHORITY_HOST": token_service.url,
    }
    result = program("get", "graph", "-o", form, **identity)
    assert (result.code, result.out) == (5, "")
    assert "token_type" in result.err

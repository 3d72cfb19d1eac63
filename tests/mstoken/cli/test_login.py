"""`mstoken login` with a refresh token: the stored sign-in lasts, and the token shows nowhere."""

from __future__ import annotations

import os
import pty
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import MSTOKEN, Program
from tests.support.token_service import TokenService, token_reply

from entra_emulator import Emulator

NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


def profiles(program: Program) -> dict[str, Any]:
    path = program.config / "config.toml"
    return dict(tomllib.loads(path.read_text())["profile"]) if path.exists() else {}


@pytest.fixture
def public(anonymous: Program, entra: Emulator) -> Program:
    """Tenant and a public application in the environment; no secret is needed."""
    anonymous.environment |= {"AZURE_TENANT_ID": entra.state.default_tenant.id, "AZURE_CLIENT_ID": PUBLIC_APP}
    return anonymous


def test_a_sign_in_works_without_the_environment_and_lasts(public: Program, entra: Emulator) -> None:
    """After login the profile is the complete identity: it gets a user's token, and again after each renewal."""
    result = public("login", stdin=entra.sign_in(NADIA, PUBLIC_APP) + "\n")
    assert (result.code, result.out) == (0, ""), result.err
    assert "Next: mstoken get graph" in result.err
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST"):
        del public.environment[name]
    first, second = (public("get", "graph", "--fresh") for _ in range(2))
    assert (first.code, second.code) == (0, 0), second.err
    assert first.out != second.out


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_from_windows_is_read(public: Program, entra: Emulator, encoding: str) -> None:
    """A refresh token saved by Notepad or PowerShell 5 has a byte order mark, or is UTF-16; it is the same."""
    result = public("login", stdin=f"{entra.sign_in(NADIA, PUBLIC_APP)}\r\n".encode(encoding))
    assert result.code == 0, result.err


def test_the_profile_has_everything_but_the_secret(public: Program, entra: Emulator) -> None:
    """Tenant, client, account and authority are those that were verified."""
    assert public("login", "--profile", "work", stdin=entra.sign_in(NADIA, PUBLIC_APP)).code == 0
    assert profiles(public) == {
        "work": {
            "tenant": entra.state.default_tenant.id,
            "client_id": PUBLIC_APP,
            "account": "work",
            "authority": entra.authority,
        }
    }


def test_the_refresh_token_is_nowhere_in_clear_text(
    public: Program, entra: Emulator, tmp_path: Path, memory: Path
) -> None:
    """The input is in no file, encrypted ones included, and in no output."""
    value = entra.sign_in(NADIA, PUBLIC_APP)
    result = public("login", stdin=value, MSTOKEN_DEBUG="1")
    assert value not in result.out + result.err
    files = [path for place in (tmp_path, memory) for path in place.rglob("*") if path.is_file()]
    assert files
    assert not any(value.encode() in path.read_bytes() for path in files)


def test_a_new_sign_in_replaces_the_cached_tokens_at_once(public: Program, entra: Emulator) -> None:
    """After another user's login under the same profile no cached token of the first user is printed."""
    got = []
    for name in (NADIA, OTTO):
        assert public("login", stdin=entra.sign_in(name, PUBLIC_APP)).code == 0
        got += [public("get", "graph").out, public("get", "graph").out]
    assert got[0] == got[1] != got[2] == got[3]


def test_signing_in_again_needs_only_the_token(public: Program, entra: Emulator) -> None:
    """Tenant, client and authority come from the profile by default; the user's comments stay."""
    public("login", "--profile", "work", stdin=entra.sign_in(NADIA, PUBLIC_APP))
    before = f"# mine\n{(public.config / 'config.toml').read_text()}"
    public.profile(before)
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST"):
        del public.environment[name]
    result = public("login", "--profile", "work", stdin=entra.sign_in(OTTO, PUBLIC_APP))
    assert result.code == 0, result.err
    assert (public.config / "config.toml").read_text() == before


def test_a_profile_that_cannot_be_written_does_not_hide_the_sign_in(public: Program, entra: Emulator) -> None:
    """The refresh token is stored by then: the message says so, and how to remove it."""
    (public.config / "config.toml").symlink_to("/no/such/folder/config.toml")
    result = public("login", "--profile", "work", stdin=entra.sign_in(NADIA, PUBLIC_APP))
    assert result.code == 1
    assert "cannot be written" in result.err
    assert "stored in the vault" in result.err
    assert "work" in public("accounts").out
    assert public("logout", "work").code == 0
    assert "work" not in public("accounts").out


def test_a_confidential_client_by_reference(anonymous: Program, entra: Emulator) -> None:
    """--client-secret-ref is used to verify the token and written to the profile; the secret is not."""
    app, secret = entra.state.default_app.id, entra.state.default_app.secrets[0].value
    arguments = ("--tenant", entra.state.default_tenant.id, "--client-id", app, "--client-secret-ref", "env:S")
    result = anonymous("login", *arguments, stdin=entra.sign_in(NADIA), S=secret)
    assert result.code == 0, result.err
    assert profiles(anonymous)["default"]["client_secret"] == "env:S"
    assert secret not in (anonymous.config / "config.toml").read_text() + result.err
    assert anonymous("get", "graph", S=secret).code == 0


def test_a_secret_from_the_environment_is_used_and_not_written(at_entra: Program, entra: Emulator) -> None:
    """AZURE_CLIENT_SECRET verifies the token, and a message says that it must stay set."""
    result = at_entra("login", stdin=entra.sign_in(NADIA))
    assert result.code == 0, result.err
    assert "AZURE_CLIENT_SECRET" in result.err
    assert "client_secret" not in profiles(at_entra)["default"]


def test_the_next_step_is_a_command_that_uses_the_sign_in(at_entra: Program, entra: Emulator) -> None:
    """With a complete identity in the environment, the command names the default profile and the verified scope."""
    result = at_entra("login", "--scope", "arm", stdin=entra.sign_in(NADIA))
    command = result.err.splitlines()[-1].partition("Next: mstoken ")[2]
    assert command == "get arm --profile default"
    token = at_entra(*command.split())
    assert NADIA in at_entra("inspect", stdin=token.out).out


def test_a_profile_that_refers_to_the_variable_needs_no_message(at_entra: Program, entra: Emulator) -> None:
    """The variable wins over a reference to it, and both have the same value."""
    result = at_entra("login", "--client-secret-ref", "env:AZURE_CLIENT_SECRET", stdin=entra.sign_in(NADIA))
    assert result.code == 0, result.err
    assert at_entra("get", "graph", "--profile", "default").err == ""


def test_a_removed_sign_in_requires_a_login(public: Program, entra: Emulator) -> None:
    """After logout, and after the user was signed out everywhere, the exit code is 3; the remedy names the profile."""
    assert public("login", "--profile", "work", stdin=entra.sign_in(OTTO, PUBLIC_APP)).code == 0
    entra.revoke(OTTO)
    revoked = public("get", "graph", "--profile", "work", "--fresh")
    assert public("logout", "work").code == 0
    forgotten = public("get", "graph", "--profile", "work")
    for result in (revoked, forgotten):
        assert (result.code, result.out) == (3, "")
        assert result.err.splitlines()[-1].startswith("  next: Sign in")
        assert "`mstoken login --profile work`" in result.err


def test_a_secret_in_place_of_a_reference_is_refused_and_not_repeated(public: Program) -> None:
    """--client-secret-ref takes no secret."""
    result = public("login", "--client-secret-ref", "wr0ng~secret", stdin="x")
    assert (result.code, result.out) == (2, "")
    assert "wr0ng" not in result.err
    assert "env:NAME" in result.err


@pytest.mark.parametrize("given", ["0.AXnonsense", "another"])
def test_a_refused_refresh_token_is_not_stored(public: Program, given: str) -> None:
    """The refusal is reported with its exit code; vault and profile stay unchanged."""
    result = public("login", stdin=given)
    assert (result.code, result.out) == (3, "")
    assert "nothing was stored" in result.err
    assert given not in result.err
    assert profiles(public) == {}


def test_a_refused_refresh_token_keeps_the_working_one(public: Program, entra: Emulator) -> None:
    """A mistake at a second login does not remove the sign-in of the first."""
    public("login", stdin=entra.sign_in(NADIA, PUBLIC_APP))
    assert public("login", stdin="0.AXnonsense").code == 3
    assert public("get", "graph", "--fresh").code == 0


def test_without_a_network_login_fails_and_names_no_verify(public: Program, entra: Emulator) -> None:
    """The exit code is 5; --no-verify stores the refresh token without a request."""
    away = {"AZURE_AUTHORITY_HOST": "https://localhost:1"}
    result = public("login", stdin="0.AXuntried", **away)
    assert result.code == 5
    assert "--no-verify" in result.err
    before = len(entra.requests)
    assert public("login", "--no-verify", stdin=entra.sign_in(NADIA, PUBLIC_APP)).code == 0
    assert len(entra.requests) == before
    assert public("get", "graph").code == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "contains no refresh token"),
        (b" \n\t\n", "contains no refresh token"),
        (b"one\ntwo\n", "several lines"),
        (b"one two", "characters that no refresh token has"),
        (b"caf\xc3\xa9", "characters that no refresh token has"),
        (b"\xff\x00", "characters that no refresh token has"),
        (b'{"refresh_token": "x"}', "JSON"),
        (b"x" * 40_000, "longer than"),
    ],
)
def test_invalid_refresh_tokens_are_refused(public: Program, entra: Emulator, given: bytes, said: str) -> None:
    """Empty, several lines, spaces, binary, JSON and huge input are usage errors before any request."""
    before = len(entra.requests)
    result = public("login", stdin=given)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert len(entra.requests) == before


@pytest.mark.parametrize("missing", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
def test_a_login_without_an_identity_is_refused(public: Program, missing: str) -> None:
    """The error names what is missing."""
    del public.environment[missing]
    result = public("login", stdin="0.AX")
    assert result.code == 2
    assert missing in result.err


def test_a_new_refresh_token_replaces_the_one_used(tmp_path: Path, memory: Path, token_service: TokenService) -> None:
    """The new token is stored: a server that accepts each only once gets the new one next time."""
    token_service.script = [token_reply("a1", refresh_token="r2"), token_reply("a2", refresh_token="r3")]
    program = Program(tmp_path)
    program.profile(
        f'[profile.default]\nclient_id = "c"\ntoken_endpoint = "{token_service.url}/token"\nsingle_use = true\n'
    )
    where = {"MSTOKEN_CACHE_DIR": str(memory)}
    assert program("login", "--scope", "things", stdin="r1", **where).code == 0
    assert program("get", "things", **where).out == "a2\n"
    assert [asked.form["refresh_token"] for asked in token_service.requests] == ["r1", "r2"]


def test_another_oauth_server_is_verified_without_a_scope(tmp_path: Path, token_service: TokenService) -> None:
    """A standard OAuth server has no usual scope: none is sent, which means the scope of the grant (RFC 6749 section
    6).
    """
    program = Program(tmp_path)
    program.profile(f'[profile.default]\nclient_id = "c"\ntoken_endpoint = "{token_service.url}/token"\n')
    token_service.script = [token_reply()]
    result = program("login", stdin="r1")
    assert result.code == 0, result.err
    [asked] = token_service.requests
    assert asked.form == {"client_id": "c", "grant_type": "refresh_token", "refresh_token": "r1"}
    assert result.err.endswith("Next: mstoken get\n")
    assert program("get").code == 0


def test_at_a_terminal_the_refresh_token_is_prompted_for_and_not_shown(public: Program, entra: Emulator) -> None:
    """The terminal does not echo the input."""
    value = entra.sign_in(NADIA, PUBLIC_APP)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [MSTOKEN, "login", "--refresh-token-stdin"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=public.environment,
        cwd=public.folder,
        start_new_session=True,
    )
    os.close(theirs)
    screen = b""
    while b"Refresh token: " not in screen:
        screen += os.read(ours, 1024)
    os.write(ours, value.encode() + b"\n")
    try:
        while chunk := os.read(ours, 1024):
            screen += chunk
    except OSError:  # Linux ends a terminal without a writer with EIO
        os.close(ours)
    assert process.wait(60) == 0, screen
    assert value[:20].encode() not in screen
    assert b"Stored the refresh token" in screen

"""`mstoken login`: a refresh token in, a sign-in that lasts out, and nothing of it where it does not belong."""

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
    """Tenant and a public application in the environment: no secret is needed."""
    anonymous.environment |= {"AZURE_TENANT_ID": entra.state.default_tenant.id, "AZURE_CLIENT_ID": PUBLIC_APP}
    return anonymous


def test_a_sign_in_serves_without_the_environment_and_lasts(public: Program, entra: Emulator) -> None:
    """After login the profile is the whole identity: a user's token, and again after each renewal."""
    result = public("login", stdin=entra.sign_in(NADIA, PUBLIC_APP) + "\n")
    assert (result.code, result.out) == (0, ""), result.err
    assert "Next: mstoken get graph" in result.err
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST"):
        del public.environment[name]
    first, second = (public("get", "graph", "--fresh") for _ in range(2))
    assert (first.code, second.code) == (0, 0), second.err
    assert first.out != second.out


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_of_windows_programs_is_read(public: Program, entra: Emulator, encoding: str) -> None:
    """A refresh token saved by Windows' editor or PowerShell 5 has a mark before it, or is UTF-16; it is the same."""
    result = public("login", stdin=f"{entra.sign_in(NADIA, PUBLIC_APP)}\r\n".encode(encoding))
    assert result.code == 0, result.err


def test_the_profile_says_all_but_the_secret(public: Program, entra: Emulator) -> None:
    """The profile has what was verified: tenant, client, account and authority."""
    assert public("login", "--profile", "work", stdin=entra.sign_in(NADIA, PUBLIC_APP)).code == 0
    assert profiles(public) == {
        "work": {
            "tenant": entra.state.default_tenant.id,
            "client_id": PUBLIC_APP,
            "account": "work",
            "authority": entra.authority,
        }
    }


def test_the_refresh_token_is_nowhere_in_clear(public: Program, entra: Emulator, tmp_path: Path, memory: Path) -> None:
    """What came on standard input is in no file, sealed ones included, and in nothing that was said."""
    value = entra.sign_in(NADIA, PUBLIC_APP)
    result = public("login", stdin=value, MSTOKEN_DEBUG="1")
    assert value not in result.out + result.err
    files = [path for place in (tmp_path, memory) for path in place.rglob("*") if path.is_file()]
    assert files
    assert not any(value.encode() in path.read_bytes() for path in files)


def test_signing_in_again_is_the_new_person_at_once(public: Program, entra: Emulator) -> None:
    """After a login of somebody else under the same profile no kept token of the first person is printed."""
    got = []
    for name in (NADIA, OTTO):
        assert public("login", stdin=entra.sign_in(name, PUBLIC_APP)).code == 0
        got += [public("get", "graph").out, public("get", "graph").out]
    assert got[0] == got[1] != got[2] == got[3]


def test_signing_in_again_needs_only_the_token(public: Program, entra: Emulator) -> None:
    """Tenant, client and authority are the profile's when nothing else says them; the user's comments stay."""
    public("login", "--profile", "work", stdin=entra.sign_in(NADIA, PUBLIC_APP))
    before = f"# mine\n{(public.config / 'config.toml').read_text()}"
    public.profile(before)
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST"):
        del public.environment[name]
    result = public("login", "--profile", "work", stdin=entra.sign_in(OTTO, PUBLIC_APP))
    assert result.code == 0, result.err
    assert (public.config / "config.toml").read_text() == before


def test_a_profile_that_cannot_be_written_does_not_hide_the_sign_in(public: Program, entra: Emulator) -> None:
    """The refresh token is kept by then: the error says so, and how to be rid of it."""
    (public.config / "config.toml").symlink_to("/no/such/folder/config.toml")
    result = public("login", "--profile", "work", stdin=entra.sign_in(NADIA, PUBLIC_APP))
    assert result.code == 1
    assert "cannot be written" in result.err
    assert "stored in the vault" in result.err
    assert "work" in public("accounts").out
    assert public("logout", "work").code == 0
    assert "work" not in public("accounts").out


def test_a_confidential_client_by_reference(anonymous: Program, entra: Emulator) -> None:
    """--client-secret-ref is used to verify and written as it is; the secret itself is not."""
    app, secret = entra.state.default_app.id, entra.state.default_app.secrets[0].value
    arguments = ("--tenant", entra.state.default_tenant.id, "--client-id", app, "--client-secret-ref", "env:S")
    result = anonymous("login", *arguments, stdin=entra.sign_in(NADIA), S=secret)
    assert result.code == 0, result.err
    assert profiles(anonymous)["default"]["client_secret"] == "env:S"
    assert secret not in (anonymous.config / "config.toml").read_text() + result.err
    assert anonymous("get", "graph", S=secret).code == 0


def test_a_secret_of_the_environment_is_used_and_not_written(at_entra: Program, entra: Emulator) -> None:
    """AZURE_CLIENT_SECRET verifies, and a note says that it has to stay set."""
    result = at_entra("login", stdin=entra.sign_in(NADIA))
    assert result.code == 0, result.err
    assert "AZURE_CLIENT_SECRET" in result.err
    assert "client_secret" not in profiles(at_entra)["default"]


def test_what_comes_next_is_a_command_that_uses_the_sign_in(at_entra: Program, entra: Emulator) -> None:
    """Where the environment is a whole identity, the default profile is named; the scope is the one tried."""
    result = at_entra("login", "--scope", "arm", stdin=entra.sign_in(NADIA))
    command = result.err.splitlines()[-1].partition("Next: mstoken ")[2]
    assert command == "get arm --profile default"
    token = at_entra(*command.split())
    assert NADIA in at_entra("inspect", stdin=token.out).out


def test_a_profile_that_refers_to_the_variable_itself_needs_no_note(at_entra: Program, entra: Emulator) -> None:
    """The variable wins over a reference to it, and both say the same."""
    result = at_entra("login", "--client-secret-ref", "env:AZURE_CLIENT_SECRET", stdin=entra.sign_in(NADIA))
    assert result.code == 0, result.err
    assert at_entra("get", "graph", "--profile", "default").err == ""


def test_a_sign_in_that_is_gone_asks_for_a_person(public: Program, entra: Emulator) -> None:
    """After logout, and after the user was signed out everywhere, the exit code is 3 and the command signs in there."""
    assert public("login", "--profile", "work", stdin=entra.sign_in(OTTO, PUBLIC_APP)).code == 0
    entra.revoke(OTTO)
    revoked = public("get", "graph", "--profile", "work", "--fresh")
    assert public("logout", "work").code == 0
    forgotten = public("get", "graph", "--profile", "work")
    for result in (revoked, forgotten):
        assert (result.code, result.out) == (3, "")
        assert result.err.splitlines()[-1].startswith("  next: Sign in")
        assert "`mstoken login --profile work`" in result.err


def test_a_secret_in_place_of_a_reference_is_refused_unseen(public: Program) -> None:
    """--client-secret-ref takes no secret, and does not repeat one."""
    result = public("login", "--client-secret-ref", "wr0ng~secret", stdin="x")
    assert (result.code, result.out) == (2, "")
    assert "wr0ng" not in result.err
    assert "env:NAME" in result.err


@pytest.mark.parametrize("given", ["0.AXnonsense", "another"])
def test_a_refresh_token_that_does_not_work_is_not_stored(public: Program, given: str) -> None:
    """The service's refusal is told with its exit code, and neither vault nor profile have anything of it."""
    result = public("login", stdin=given)
    assert (result.code, result.out) == (3, "")
    assert "nothing was stored" in result.err
    assert given not in result.err
    assert profiles(public) == {}


def test_a_refused_one_leaves_the_working_one(public: Program, entra: Emulator) -> None:
    """A mistake at the second login does not cost the sign-in of the first."""
    public("login", stdin=entra.sign_in(NADIA, PUBLIC_APP))
    assert public("login", stdin="0.AXnonsense").code == 3
    assert public("get", "graph", "--fresh").code == 0


def test_no_service_to_ask(public: Program, entra: Emulator) -> None:
    """Without a network the login fails with exit code 5 and names --no-verify, which stores without asking."""
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
def test_what_is_no_refresh_token(public: Program, entra: Emulator, given: bytes, said: str) -> None:
    """Empty, several lines, spaces, binary, JSON and huge input are usage errors before any request."""
    before = len(entra.requests)
    result = public("login", stdin=given)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert len(entra.requests) == before


@pytest.mark.parametrize("missing", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
def test_a_login_of_nobody(public: Program, missing: str) -> None:
    """What is missing is named."""
    del public.environment[missing]
    result = public("login", stdin="0.AX")
    assert result.code == 2
    assert missing in result.err


def test_a_new_refresh_token_takes_the_place_of_the_one_used(
    tmp_path: Path, memory: Path, token_service: TokenService
) -> None:
    """What the service gave in exchange is kept: a server that takes each only once gets the new one next time."""
    token_service.script = [token_reply("a1", refresh_token="r2"), token_reply("a2", refresh_token="r3")]
    program = Program(tmp_path)
    program.profile(
        f'[profile.default]\nclient_id = "c"\ntoken_endpoint = "{token_service.url}/token"\nsingle_use = true\n'
    )
    where = {"MSTOKEN_CACHE_DIR": str(memory)}
    assert program("login", "--scope", "things", stdin="r1", **where).code == 0
    assert program("get", "things", **where).out == "a2\n"
    assert [asked.form["refresh_token"] for asked in token_service.requests] == ["r1", "r2"]


def test_a_server_that_is_not_entra_is_tried_with_the_scope_of_the_sign_in(
    tmp_path: Path, token_service: TokenService
) -> None:
    """There is no usual scope at a standard OAuth server: none is sent, which RFC 6749 section 6 has a meaning for."""
    program = Program(tmp_path)
    program.profile(f'[profile.default]\nclient_id = "c"\ntoken_endpoint = "{token_service.url}/token"\n')
    token_service.script = [token_reply()]
    result = program("login", stdin="r1")
    assert result.code == 0, result.err
    [asked] = token_service.requests
    assert asked.form == {"client_id": "c", "grant_type": "refresh_token", "refresh_token": "r1"}
    assert result.err.endswith("Next: mstoken get\n")
    assert program("get").code == 0


def test_at_a_terminal_it_is_asked_for_and_not_shown(public: Program, entra: Emulator) -> None:
    """A person types or pastes it after a prompt, and the screen does not show it."""
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
    except OSError:  # Linux ends a terminal nobody writes to with EIO
        os.close(ours)
    assert process.wait(60) == 0, screen
    assert value[:20].encode() not in screen
    assert b"Stored the refresh token" in screen

"""The fast path: the same token as the regular path, for the same identity only, with few imports."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.program import MSTOKEN, Program

from entra_emulator import Emulator
from mstoken import model
from mstoken.cli import fast_path, get_arguments
from mstoken.cli.get import get
from mstoken.cli.options import GetArguments
from mstoken.config.environment import VARIABLES
from mstoken.model import Note, Token
from mstoken.stores import token_file
from mstoken.stores.folder_access_tokens import FolderAccessTokens
from mstoken.stores.user_folders import token_folder

NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"
TEXT = "eyJ0.access.token"
SLOW = {"click", "json", "re", "typing", "dataclasses", "pathlib", "tomllib", "hashlib", "enum", "logging", "ssl"}


def imported(program: Program, *arguments: str) -> set[str]:
    """Return the modules that a run imports beyond those of a bare interpreter."""

    def run(*command: str | Path) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *command],
            env=program.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
        return {line.rpartition("|")[2].strip() for line in lines}

    return run("-c", "import sys; from mstoken.cli.entry import main; sys.exit(main())", *arguments) - run("-c", "pass")


def test_a_cached_token_needs_few_imports(at_entra: Program) -> None:
    """The second run loads no click, no client and no parser, and fewer than 17 modules in all."""
    at_entra("get", "graph")
    loaded = imported(at_entra, "get", "graph")
    assert not loaded & SLOW
    assert "mstoken.client" not in loaded
    assert len(loaded) < 17


def test_a_request_does_not_import_click(at_entra: Program) -> None:
    """--fresh takes the regular path, which does not import click either."""
    loaded = imported(at_entra, "get", "graph", "--fresh")
    assert "mstoken.client" in loaded
    assert "click" not in loaded


def test_the_leeway_equals_that_of_the_model() -> None:
    """The fast path does not print a token that the library would renew."""
    assert fast_path.LEEWAY_IN == model.LEEWAY_IN
    assert fast_path.SET_BACK_IN == model.SET_BACK_IN


@pytest.mark.parametrize(("ahead_in", "printed"), [(None, TEXT), (0, TEXT), (200, TEXT), (3600, "")])
def test_a_token_of_a_clock_that_was_set_back_is_not_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_in: int | None, printed: str
) -> None:
    """The regular path judges a token that was received before the clock was set back."""
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(tmp_path))
    folder, key, mark, now = token_folder(), "ab" * 20, "cd" * 20, int(time.time())
    Path(folder).mkdir(mode=0o700, parents=True)
    got_on = None if ahead_in is None else now + ahead_in
    for name, content in (
        (f"{key}.token", token_file.encode(key, Token(TEXT, now + 3600, got_on=got_on), None)),
        (f"{mark}.note", token_file.encode_note(mark, Note(key, now, now + 3600), None)),
    ):
        file = Path(folder, name)
        file.write_bytes(content)
        file.chmod(0o600)
    assert fast_path.cached_output(GetArguments(), mark) == printed


BASE = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s", "HOME": "/proc/nowhere"}


@pytest.mark.parametrize(
    "change",
    [
        {"AZURE_TENANT_ID": "other"},
        {"AZURE_CLIENT_ID": "other"},
        {"AZURE_CLIENT_SECRET": ""},
        {"AZURE_AUTHORITY_HOST": "https://localhost:1"},
        {"MSTOKEN_CLOUD": "usgov"},
        {"MSTOKEN_PROFILE": "work"},
        {"MSTOKEN_REFRESH_TOKEN": "one"},
        {"AZURE_TOKEN_CREDENTIALS": "dev"},
        {"AZURE_NOT_INVENTED_YET": "x"},
        {"MSTOKEN_CONFIG_DIR": "/elsewhere"},
        {"HOME": "/home/other"},
        {"AZURE_TENANT_ID": "tc", "AZURE_CLIENT_ID": ""},
    ],
)
def test_everything_that_determines_the_identity_is_in_the_fingerprint(change: dict[str, str]) -> None:
    """Each variable that can lead to another tenant, client or user changes the fingerprint."""
    assert fast_path.fingerprint(["get", "graph"], BASE) != fast_path.fingerprint(["get", "graph"], BASE | change)


def test_every_setting_of_the_environment_is_in_the_fingerprint() -> None:
    """A new variable of the settings cannot be forgotten here."""
    for name in VARIABLES.values():
        marks = {fast_path.fingerprint(["get"], {"HOME": "/", name: value}) for value in ("", "a")}
        assert len(marks) == 2, name


def test_different_command_lines_have_different_fingerprints() -> None:
    """However the arguments are split."""
    lines = [["get", "a", "b"], ["get", "ab"], ["get", "a b"], ["get", "1:a", "b"], ["get", "a", "", "b"]]
    assert len({fast_path.fingerprint(line, BASE) for line in lines}) == len(lines)


@pytest.mark.parametrize("path", [fast_path.__file__, str(files("mstoken.services") / "services.toml")])
def test_a_new_version_of_the_code_or_the_services_is_in_the_fingerprint(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service's name may have another scope in the next version."""
    before, real = fast_path.fingerprint(["get", "graph"], BASE), os.stat

    def later(file: str) -> object:
        return SimpleNamespace(st_mtime_ns=1) if os.path.normpath(file) == path else real(file)

    monkeypatch.setattr(os, "stat", later)
    assert fast_path.fingerprint(["get", "graph"], BASE) != before


def test_a_secret_is_not_in_the_fingerprint() -> None:
    """A new secret of the same application does not change the token; only its presence counts."""
    assert fast_path.fingerprint(["get", "x"], BASE) == fast_path.fingerprint(
        ["get", "x"], BASE | {"AZURE_CLIENT_SECRET": "new"}
    )


def test_any_change_of_the_configuration_is_in_the_fingerprint(tmp_path: Path) -> None:
    """The file's content counts: an edit of the same length at the same time is detected."""
    path, environ = tmp_path / "config.toml", BASE | {"MSTOKEN_CONFIG_DIR": str(tmp_path)}
    marks = [fast_path.fingerprint(["get", "x"], environ)]
    for text in ("a", "b"):
        path.write_text(text)
        os.utime(path, ns=(1, 1))
        marks.append(fast_path.fingerprint(["get", "x"], environ))
    assert len(set(marks)) == 3


def test_an_unreadable_configuration_has_no_fingerprint(tmp_path: Path) -> None:
    """The regular path then reports the problem."""
    (tmp_path / "config.toml").mkdir()
    assert fast_path.fingerprint(["get", "x"], BASE | {"MSTOKEN_CONFIG_DIR": str(tmp_path)}) == ""


def test_another_users_refresh_token_never_gets_the_first_users_token(at_entra: Program, entra: Emulator) -> None:
    """The user behind MSTOKEN_REFRESH_TOKEN decides, in any order."""
    people = {name: entra.sign_in(name) for name in (NADIA, OTTO)}
    got = [at_entra("get", "graph", MSTOKEN_REFRESH_TOKEN=value).out for value in [*people.values()] * 2]
    assert got[:2] == got[2:]
    assert got[0] != got[1]


def test_a_referenced_refresh_token_may_change_behind_the_profile(
    anonymous: Program, entra: Emulator, tmp_path: Path
) -> None:
    """If a profile's reference leads to another user, the next run prints that user's token."""
    app = entra.environment()
    anonymous.profile(
        f'[profile.default]\ntenant = "{app["AZURE_TENANT_ID"]}"\nclient_id = "{app["AZURE_CLIENT_ID"]}"\n'
        f'client_secret = "env:S"\nrefresh_token = "file:{tmp_path}/token"\n'
    )
    got = []
    for name in (NADIA, OTTO, OTTO):
        if name not in got:
            (tmp_path / "token").write_text(entra.sign_in(name))
        got.append(anonymous("get", "graph", S=app["AZURE_CLIENT_SECRET"]).out)
    assert all(got)
    assert got[0] != got[1]


def test_an_edited_profile_applies_at_once(anonymous: Program, entra: Emulator) -> None:
    """A changed tenant in the profile is the tenant of the next run."""
    app = entra.environment()
    got = []
    for tenant in (app["AZURE_TENANT_ID"], app["ENTRA_EMULATOR_CUSTOMER_TENANT_ID"]):
        anonymous.profile(
            f'[profile.default]\ntenant = "{tenant}"\nclient_id = "{app["AZURE_CLIENT_ID"]}"\nclient_secret = "env:S"\n'
        )
        got.append(anonymous("get", "graph", S=app["AZURE_CLIENT_SECRET"]).out)
    assert all(got)
    assert got[0] != got[1]


def test_the_working_folder_does_not_matter(at_entra: Program, entra: Emulator, tmp_path: Path) -> None:
    """Another working folder finds the same token."""
    first = at_entra("get", "graph").out
    before = len(entra.token_requests)
    at_entra.folder = tmp_path / "config"
    assert at_entra("get", "graph").out == first
    assert len(entra.token_requests) == before


ARGUMENTS = GetArguments()


@pytest.fixture
def store_with_alias(memory: Path, monkeypatch: pytest.MonkeyPatch) -> FolderAccessTokens:
    """A store with an alias `aa` for the token cached as `bb`."""
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(memory))
    store = FolderAccessTokens()
    store.save_note("aa", Note("bb", int(time.time()), int(time.time()) + 3600))
    return store


@pytest.mark.parametrize(
    ("expires_in", "refresh_in", "options", "good"),
    [
        (3600, None, {}, True),
        (3600, 1800, {}, True),
        (3600, -1, {}, False),
        (50, None, {}, False),
        (-5, None, {}, False),
        (600, None, {"min_ttl": 300}, True),
        (600, None, {"min_ttl": 900}, False),
        (3600, None, {"fresh": True}, False),
        (3600, None, {"claims": "{}"}, False),
        (3600, None, {"output": "json"}, False),
    ],
)
def test_only_a_sufficient_token_is_printed(
    store_with_alias: FolderAccessTokens,
    expires_in: int,
    refresh_in: int | None,
    options: dict[str, object],
    *,
    good: bool,
) -> None:
    """An expired token, one due for renewal, one too short for --min-ttl, and unusual options take the regular path."""
    now = int(time.time())
    refresh_on = None if refresh_in is None else now + refresh_in
    store_with_alias.save("bb", Token("kept", expires_on=now + expires_in, refresh_on=refresh_on))
    assert fast_path.cached_output(GetArguments(**options), "aa") == ("kept" if good else "")


def test_a_missing_token_is_a_miss(store_with_alias: FolderAccessTokens) -> None:
    """An alias whose token was cleared, no alias, and an older version's alias take the regular path.

    Older versions stored the alias as a token of the type same-as.
    """
    assert fast_path.cached_output(ARGUMENTS, "aa") == ""
    assert fast_path.cached_output(ARGUMENTS, "cc") == ""
    store_with_alias.save("dd", Token("bb", expires_on=int(time.time()) + 3600, token_type="same-as"))
    store_with_alias.save("bb", Token("kept", expires_on=int(time.time()) + 3600))
    assert fast_path.cached_output(ARGUMENTS, "dd") == ""


def test_a_folder_open_to_other_users_is_not_read(store_with_alias: FolderAccessTokens, memory: Path) -> None:
    """Another user could have planted a token there."""
    store_with_alias.save("bb", Token("kept", expires_on=int(time.time()) + 3600))
    assert fast_path.cached_output(ARGUMENTS, "aa") == "kept"
    (memory / "tokens").chmod(0o755)
    assert fast_path.cached_output(ARGUMENTS, "aa") == ""


WORDS = st.sampled_from(
    [
        "graph",
        "arm",
        "--",
        "--tenant",
        "--tenant=t",
        "t",
        "--scope",
        "s",
        "--scope=s",
        "--fresh",
        "--fresh=1",
        "--min-ttl",
        "5",
        "--min-ttl=x",
        "-5",
        "-o",
        "json",
        "-ojson",
        "--output=az",
        "xml",
        "--claims",
        "{}",
        "--cloud",
        "usgov",
        "--client-id",
        "id",
        "--profile",
        "p",
        "--authority",
        "h",
        "--help",
        "-h",
        "--bogus",
        "-",
        "=",
        "",
    ]
)


@given(st.lists(WORDS, max_size=6))
def test_the_fast_parser_agrees_with_click(arguments: list[str]) -> None:
    """If the fast parser accepts a command line, click parses the same values from it."""
    parsed = get_arguments.parse(arguments)
    if parsed is not None:
        by_click = get.make_context("get", list(arguments)).params
        assert {name: getattr(parsed, name) for name in by_click} == by_click


@pytest.mark.parametrize(
    ("redirection", "code"), [("| true", 0), (">&-", 1), ("> /dev/full", 1)], ids=["gone", "closed", "full"]
)
def test_unwritable_standard_output_is_reported(at_entra: Program, redirection: str, code: int) -> None:
    """A reader that left is fine; a closed or full output is an error in one line."""
    at_entra("get", "graph")
    script = f"{MSTOKEN} get graph {redirection}; echo ${{PIPESTATUS[0]}} >&2"
    done = subprocess.run(["bash", "-c", script], env=at_entra.environment, capture_output=True, text=True, check=False)
    *said, status = done.stderr.splitlines()
    assert int(status) == code
    assert [line.startswith("mstoken: error: ") for line in said] == [True] * code

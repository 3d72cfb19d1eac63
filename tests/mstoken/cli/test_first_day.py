"""What a new user meets in a shell on the first day."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.support.program import MSTOKEN, Program
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply


@pytest.mark.parametrize("words", [("--version",), ("-V",), ("version",)], ids=" ".join)
def test_the_version_has_three_spellings(at_entra: Program, words: tuple[str, ...]) -> None:
    """People try one of them first."""
    assert at_entra(*words).out == f"mstoken {version('mstoken')}\n"


@pytest.mark.parametrize("words", [(), ("get",), ("cache", "show")], ids=" ".join)
def test_help_is_the_same_as_the_option(at_entra: Program, words: tuple[str, ...]) -> None:
    """`mstoken help get` is `mstoken get --help`."""
    result = at_entra("help", *words)
    assert (result.code, result.err) == (0, "")
    assert result.out.strip() == at_entra(*words, "--help").out.strip() != ""


def test_help_for_what_does_not_exist_suggests_the_nearest(at_entra: Program) -> None:
    """A misspelled command is named, with exit code 2."""
    result = at_entra("help", "gett")
    assert (result.code, result.out) == (2, "")
    assert "There is no command 'gett'. Did you mean get?" in result.err
    assert at_entra("help", "get", "graph").code == 2


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
@pytest.mark.parametrize("words", ["--help", "get --help", "services", "services -o json", "explain --list", "doctor"])
def test_output_works_in_any_locale(at_entra: Program, encoding: str, words: str) -> None:
    """What a locale cannot show is escaped; JSON stays JSON."""
    result = at_entra(*words.split(), PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert "bug in mstoken" not in result.err
    assert result.code in {0, 2}
    text = result.raw.decode(encoding, "replace")  # click writes UTF-8 in an ASCII locale
    if "json" in words:
        assert any(service["name"] == "graph" for service in json.loads(text))


def test_an_error_of_request_starts_on_its_own_line(tmp_path: Path, token_service: TokenService) -> None:
    """Also if the body has no line end and both streams go to the same place; alone, a stream gets no extra line."""
    token_service.script = [lambda one: token_reply() if one.path.endswith("/token") else Reply(404, b'{"a":1}')]
    program = Program(tmp_path)
    who = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": "s"}
    url = token_service.url
    words = ("request", "GET", f"{url}/x", "--scope", "graph", "--origin", url, "--authority", url)
    both = subprocess.run(
        [MSTOKEN, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=program.environment | who,
        check=False,
        cwd=tmp_path,
        timeout=60,
    )
    first, second = both.stdout.decode().splitlines()[:2]
    assert (first, second.startswith("mstoken: error: GET ")) == ('{"a":1}', True)
    apart = program(*words, **who)
    assert (apart.raw, apart.err[:16]) == (b'{"a":1}', "mstoken: error: ")


@pytest.mark.parametrize("command", ["get", "request"])
def test_a_timeout_ends_the_command(tmp_path: Path, token_service: TokenService, command: str) -> None:
    """With exit code 5, as for any service that does not answer."""
    token_service.script = [Reply(200, {}, delay=20)]
    words = ("get", "graph") if command == "get" else ("request", "GET", "https://graph.microsoft.com/v1.0/me")
    who = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": "s"}
    result = Program(tmp_path)(*words, "--timeout", "1", "--authority", token_service.url, **who)
    assert (result.code, "did not answer in time" in result.err) == (5, True), result.err


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_the_same_checks_run_whether_or_not_the_token_is_cached(at_entra: Program) -> None:
    """A configuration file that others can write to is refused, although the token is in the cache."""
    who = at_entra.environment
    at_entra.profile(
        f'[profile.default]\ntenant = "{who["AZURE_TENANT_ID"]}"\nclient_id = "{who["AZURE_CLIENT_ID"]}"\n'
        'client_secret = "env:THE_SECRET"\n'
    )
    alone = {"AZURE_TENANT_ID": "", "AZURE_CLIENT_ID": "", "AZURE_CLIENT_SECRET": ""}
    alone["THE_SECRET"] = who["AZURE_CLIENT_SECRET"]
    words = ("get", "graph", "--profile", "default")
    assert [at_entra(*words, **alone).code for _ in range(2)] == [0, 0]
    (at_entra.config / "config.toml").chmod(0o666)
    cached, fresh = at_entra(*words, **alone), at_entra(*words, "--fresh", **alone)
    assert (cached.code, cached.out) == (fresh.code, fresh.out) == (2, "")
    assert cached.err == fresh.err
    assert "can write to" in cached.err


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_shows_whole_descriptions(at_entra: Program, tmp_path: Path) -> None:
    """A description is not cut off at its first comma."""
    script = tmp_path / "mstoken.fish"
    script.write_text(at_entra("completion", "fish").out)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; complete -C 'mstoken get --pop'"],
        capture_output=True,
        text=True,
        env=at_entra.environment,
        timeout=60,
        check=True,
    )
    assert "Nonce that the service issued for the request; mstoken makes one by default." in done.stdout
    assert "Bind the token to a key, in a request signed for this URL or for a cluster's resource ID." in done.stdout


@pytest.mark.parametrize("words", ["services", "explain --list", "services --cloud usgov"])
def test_tables_fit_80_columns(at_entra: Program, words: str) -> None:
    """At a terminal, wide columns are wrapped; in a pipe, each row is one line."""
    shown = at_entra.at_terminal(*words.split(), columns=80).out
    assert max(map(len, shown.splitlines())) <= 80
    assert {"graph", "AADSTS50076"} & set(shown.split())


def test_services_as_json_show_no_working_notes(at_entra: Program) -> None:
    """How we know a scope is for the people who maintain the catalogue."""
    text = at_entra("services", "-o", "json").out
    for note in ("from memory", "recalled", "verified_by", '"notes"', '"source"', "Warn:"):
        assert note not in text


@pytest.mark.parametrize(
    ("missing", "rest"),
    [
        ("AZURE_CLIENT_SECRET", "AZURE_TENANT_ID and AZURE_CLIENT_ID are."),
        ("AZURE_CLIENT_ID", "AZURE_TENANT_ID and a credential are."),
        ("AZURE_TENANT_ID", "AZURE_CLIENT_ID and a credential are."),
    ],
)
def test_one_missing_variable_of_three_is_named_first(at_entra: Program, missing: str, rest: str) -> None:
    """The alternatives follow in two lines."""
    del at_entra.environment[missing]
    result = at_entra("get", "graph")
    first, *advice = result.err.splitlines()
    assert (result.code, first) == (2, f"mstoken: error: {missing} is not set; {rest}")
    assert len(advice) == 2
    assert advice[0].startswith(f"  next: Set {missing}")


def test_a_variable_that_is_empty_is_named_so(at_entra: Program) -> None:
    """As a secret that CI did not pass is."""
    result = at_entra("get", "graph", AZURE_CLIENT_SECRET="")
    assert result.err.startswith("mstoken: error: AZURE_CLIENT_SECRET is set, but empty; ")


def test_outside_azure_the_message_says_so(anonymous: Program, token_service: TokenService) -> None:
    """Whether nothing or another server answers at the metadata address."""
    assert "managed identity: not running on Azure (no metadata service at " in anonymous("get", "graph").err
    token_service.script = [Reply(404, "<html>router</html>", {"Server": "router"})]
    result = anonymous("get", "arm", AZURE_POD_IDENTITY_AUTHORITY_HOST=token_service.url)
    assert "managed identity: not running on Azure\n" in result.err


def test_github_actions_without_permission_is_told_in_the_chain(anonymous: Program, tmp_path: Path) -> None:
    """The permission is named, in the chain and in the profile."""
    job = {"GITHUB_ACTIONS": "true", "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID}
    anonymous.profile(f'[profile.ci]\ntenant = "{TENANT}"\nclient_id = "{CLIENT_ID}"\nclient_assertion = "github"\n')
    for words in (("get", "graph"), ("get", "graph", "--profile", "ci")):
        result = anonymous(*words, **job)
        assert result.code == 2
        assert "it lacks the permission `id-token: write`" in result.err
        assert "permissions: {id-token: write, contents: read}" in result.err

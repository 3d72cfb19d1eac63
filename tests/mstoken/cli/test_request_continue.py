"""A write that Azure refuses until the user signs in with MFA: nothing is lost, and --continue sends it again."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.at_entra import NADIA, VISUAL_STUDIO
from tests.support.program import MSTOKEN, Program
from tests.support.running import Running
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.model import Subscription
from mstoken.cli import request_continue
from mstoken.cli.options import RequestArguments
from mstoken.errors import SignInRequired
from mstoken.rest.response import ApiResponse, Headers
from mstoken.stores.locks import try_lock

OTTO = "otto@northwind-partner.example"
BODY = '{"location": "westeurope", "tags": {"note": "not-for-the-disk"}}'


@pytest.fixture
def subscription(entra: Emulator) -> Iterator[Subscription]:
    """One in which Nadia may change things, in a tenant where Azure demands MFA for that."""
    tenant = entra.state.default_tenant
    [found, *_] = tenant.subscriptions
    before = (list(found.contributors), list(found.resource_groups))
    found.contributors.append(NADIA)
    tenant.azure_mfa = True
    yield found
    tenant.azure_mfa = False
    found.contributors, found.resource_groups = before


def sign_in(program: Program, entra: Emulator, *, mfa: bool, user: str = NADIA) -> None:
    refresh_token = entra.sign_in(user, VISUAL_STUDIO, mfa=mfa)
    done = program(
        "login", "--client-id", "visual-studio", "--tenant", entra.state.default_tenant.id, stdin=refresh_token
    )
    assert done.code == 0, done.err


def stored(program: Program) -> list[Path]:
    return list(Path(program.environment["MSTOKEN_CACHE_DIR"], "vault", "requests").glob("*"))


def group(subscription: Subscription, name: str) -> str:
    return f"/subscriptions/{subscription.id}/resourcegroups/{name}?api-version=2022-12-01"


def test_a_write_waits_for_the_sign_in_and_is_sent_again(
    anonymous: Program, entra: Emulator, subscription: Subscription
) -> None:
    """Exit code 3, the command that works as it is printed, the body encrypted; after it, nothing is left."""
    sign_in(anonymous, entra, mfa=False)
    before = len(entra.requests)
    refused = anonymous("request", "PUT", group(subscription, "step-up"), "-d", "-", stdin=BODY)
    assert (refused.code, refused.out) == (3, "")
    assert "mstoken request --continue" in refused.err
    command = re.search(r"`?(mstoken login [^`\n]*--claims \S+)", refused.err)
    assert command, refused.err
    words = shlex.split(command[1].rstrip("`."))
    claims = words[words.index("--claims") + 1]
    assert "p1" in base64.urlsafe_b64decode(claims).decode()
    assert [one.status for one in entra.requests[before:] if one.service == "arm"] == [401]
    [file] = stored(anonymous)
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(word in file.read_bytes() for word in (b"not-for-the-disk", b"Bearer", b"westeurope"))

    again = anonymous("request", "--continue")
    assert (again.code, len(stored(anonymous))) == (3, 1)
    login = Running(anonymous, *words[1:], "--browser")
    person = ScriptedUser(entra, NADIA)
    person.authorize(login.says(r"^(https://\S+/oauth2/v2.0/authorize\S+)")).follow()
    person.close()
    assert login.end()[0] == 0, login.err
    done = anonymous("request", "--continue")
    assert done.code == 0, done.err
    assert "Sending PUT https://management.azure.com/subscriptions/" in done.err
    assert json.loads(done.out)["tags"] == {"note": "not-for-the-disk"}
    assert stored(anonymous) == []
    assert [one.name for one in subscription.resource_groups][-1] == "step-up"
    nothing = anonymous("request", "--continue")
    assert (nothing.code, "No request waits" in nothing.err) == (2, True)


def test_what_a_strong_sign_in_may_do_needs_one_command(
    anonymous: Program, entra: Emulator, subscription: Subscription
) -> None:
    """The challenge is answered with a token that has the claims, and nothing is stored."""
    sign_in(anonymous, entra, mfa=True)
    done = anonymous("request", "PUT", group(subscription, "strong"), "-d", BODY)
    assert (done.code, stored(anonymous)) == (0, [])


def test_an_application_needs_no_multi_factor_authentication(at_entra: Program, subscription: Subscription) -> None:
    assert at_entra("request", "PUT", group(subscription, "app"), "-d", BODY).code == 0


def test_a_read_is_not_stored(anonymous: Program, entra: Emulator, subscription: Subscription) -> None:
    """The same command asks again."""
    subscription.context = "p1"
    try:
        sign_in(anonymous, entra, mfa=False)
        refused = anonymous("request", "GET", group(subscription, "rg-web"))
    finally:
        subscription.context = ""
    assert (refused.code, stored(anonymous)) == (3, [])


def refused_put(program: Program, subscription: Subscription, name: str, *more: str, stdin: str = "") -> str:
    refused = program("request", "PUT", group(subscription, name), *(more or ("-d", BODY)), stdin=stdin)
    assert refused.code == 3, refused.err
    return refused.err


def test_a_request_is_stored_for_a_day(anonymous: Program, entra: Emulator, subscription: Subscription) -> None:
    sign_in(anonymous, entra, mfa=False)
    refused_put(anonymous, subscription, "old")
    [file] = stored(anonymous)
    os.utime(file, (time.time() - 86400 - 60,) * 2)
    late = anonymous("request", "--continue")
    assert (late.code, "older than a day, so it was deleted" in late.err) == (2, True)
    assert stored(anonymous) == []


def test_the_latest_of_several_is_sent_and_the_others_stay(
    anonymous: Program, entra: Emulator, subscription: Subscription
) -> None:
    """The same request, sent twice, is stored once."""
    sign_in(anonymous, entra, mfa=False)
    for name in ("first", "second", "second"):
        refused_put(anonymous, subscription, name)
    assert len(stored(anonymous)) == 2
    sign_in(anonymous, entra, mfa=True)
    done = anonymous("request", "--continue")
    assert (done.code, "second; 1 more stored." in done.err, len(stored(anonymous))) == (0, True, 1)
    done = anonymous("request", "--continue")
    assert (done.code, "first." in done.err, stored(anonymous)) == (0, True, [])


def test_a_body_from_a_file_is_stored_as_it_was(
    anonymous: Program, entra: Emulator, subscription: Subscription
) -> None:
    sign_in(anonymous, entra, mfa=False)
    file = anonymous.folder / "group.json"
    file.write_text(BODY)
    refused_put(anonymous, subscription, "from-file", "-d", "@group.json")
    file.unlink()
    sign_in(anonymous, entra, mfa=True)
    done = anonymous("request", "--continue")
    assert done.code == 0, done.err
    assert json.loads(done.out)["tags"] == {"note": "not-for-the-disk"}


def test_another_user_does_not_send_it(anonymous: Program, entra: Emulator, subscription: Subscription) -> None:
    """Both users are named, nothing is sent, and the request stays."""
    subscription.contributors.append(OTTO)
    sign_in(anonymous, entra, mfa=False)
    refused_put(anonymous, subscription, "whose")
    sign_in(anonymous, entra, mfa=True, user=OTTO)
    before = len(entra.requests)
    other = anonymous("request", "--continue")
    assert (other.code, len(stored(anonymous))) == (2, 1)
    assert NADIA in other.err
    assert OTTO in other.err
    assert not [one for one in entra.requests[before:] if one.service == "arm"]


def test_a_refusal_that_no_sign_in_mends_ends_it(
    anonymous: Program, entra: Emulator, subscription: Subscription
) -> None:
    sign_in(anonymous, entra, mfa=False)
    refused_put(anonymous, subscription, "no-role")
    sign_in(anonymous, entra, mfa=True)
    subscription.contributors = [one for one in subscription.contributors if one != NADIA]
    refused = anonymous("request", "--continue")
    assert (refused.code, stored(anonymous)) == (4, [])


def test_a_temporary_failure_leaves_it_stored(anonymous: Program, entra: Emulator, subscription: Subscription) -> None:
    sign_in(anonymous, entra, mfa=False)
    refused_put(anonymous, subscription, "later", "-d", BODY, "--retries", "0")
    sign_in(anonymous, entra, mfa=True)
    entra.inject(service="arm", status=503, path="*/resourcegroups/later", times=1)
    failed = anonymous("request", "--continue")
    assert (failed.code, "still stored" in failed.err, len(stored(anonymous))) == (5, True, 1)
    assert anonymous("request", "--continue").code == 0


def test_one_mstoken_at_a_time_sends_it(anonymous: Program, entra: Emulator, subscription: Subscription) -> None:
    sign_in(anonymous, entra, mfa=False)
    refused_put(anonymous, subscription, "turn")
    [file] = stored(anonymous)
    release = try_lock(str(file.with_name("requests.lock")))
    assert release is not None
    try:
        second = anonymous("request", "--continue")
    finally:
        release()
    assert (second.code, "Another mstoken" in second.err, stored(anonymous)) == (2, True, [file])


def test_a_damaged_file_is_named(anonymous: Program, entra: Emulator, subscription: Subscription) -> None:
    """It stays until somebody deletes it, or for a day: another key of the vault may open it."""
    sign_in(anonymous, entra, mfa=False)
    refused_put(anonymous, subscription, "torn")
    [file] = stored(anonymous)
    file.write_bytes(file.read_bytes()[:-20])
    torn = anonymous("request", "--continue")
    assert (torn.code, str(file) in torn.err, stored(anonymous)) == (1, True, [file])


def test_a_full_disk_is_no_second_failure(anonymous: Program, entra: Emulator, subscription: Subscription) -> None:
    """A limit of the size of files stands for it: the message says so, and no part of the body stays."""
    sign_in(anonymous, entra, mfa=False)
    body = json.dumps({"location": "westeurope", "tags": {"note": "x" * 500_000}})
    refused = subprocess.run(
        ["sh", "-c", 'ulimit -f 800; exec "$@"', "sh", MSTOKEN, "request", "PUT", group(subscription, "x"), "-d", "-"],
        input=body.encode(),
        capture_output=True,
        timeout=60,
        check=False,
        cwd=anonymous.folder,
        env=anonymous.environment,
    )
    shown = refused.stderr.decode()
    assert (refused.returncode, "could not be stored" in shown, "mstoken login" in shown) == (3, True, True)
    assert stored(anonymous) == []


def test_a_vault_that_cannot_be_written_is_no_second_failure(
    anonymous: Program, entra: Emulator, subscription: Subscription
) -> None:
    sign_in(anonymous, entra, mfa=False)
    Path(anonymous.environment["MSTOKEN_CACHE_DIR"], "vault", "requests").write_text("in the way")
    assert "could not be stored" in refused_put(anonymous, subscription, "x")


def needs_a_sign_in(_arguments: RequestArguments, _on_response: object) -> int:
    raise SignInRequired("Sign in.")


def test_a_large_body_is_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(tmp_path))
    large = RequestArguments(method="PUT", url="graph:/x", body=bytes(64 * 1024 * 1024 + 1))
    with pytest.raises(SignInRequired):
        request_continue.storing(large, needs_a_sign_in)
    assert "too large to be stored" in capsys.readouterr().err
    assert list(tmp_path.rglob("*")) == []


def test_what_the_api_has_accepted_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sign-in ends while mstoken waits for the operation, or reads further pages."""
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(tmp_path))

    def accepted(_arguments: RequestArguments, on_response: Callable[[ApiResponse], None]) -> int:
        on_response(ApiResponse(202, Headers({}), b"", "DELETE https://management.azure.com/x", {}))
        raise SignInRequired("Sign in.")

    with pytest.raises(SignInRequired):
        request_continue.storing(RequestArguments(method="DELETE", url="arm:/x", wait=True), accepted)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("more", [["GET", "graph:/me"], ["--retries", "3"], ["-d", "x"], ["--stdin"]])
def test_continue_has_no_other_options(anonymous: Program, more: list[str]) -> None:
    refused = anonymous("request", "--continue", *more)
    assert (refused.code, "--continue excludes" in refused.err) == (2, True)

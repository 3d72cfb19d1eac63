"""`mstoken serve` and `mstoken exec` as programs: SDKs find their tokens, signals, files and failures."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.support.at_entra import NADIA, sign_in
from tests.support.program import MSTOKEN, Program
from tests.support.running import Running
from tests.support.small_disk import small_disk

from entra_emulator import Emulator
from mstoken.cli.exec_command import environment_of

PYTHON = sys.executable
ARM = "https://management.azure.com"
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
SDK = """
import os
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
for kind in (ManagedIdentityCredential, DefaultAzureCredential):
    with kind() as credential:
        print(credential.get_token("https://management.azure.com/.default").token)
assert not {"AZURE_CLIENT_SECRET", "AZURE_CLIENT_ID", "AZURE_TENANT_ID"} & os.environ.keys()
"""


def test_azure_identity_gets_tokens_in_exec(at_entra: Program) -> None:
    """ManagedIdentityCredential and DefaultAzureCredential, which see no secret; the token is mstoken's own."""
    done = at_entra("exec", "--", PYTHON, "-c", SDK)
    assert (done.code, done.err) == (0, "")
    assert set(done.out.split()) == {at_entra("get", f"{ARM}/.default").out.strip()}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("sh", "-c", "exit 7"), 7),
        (("sh", "-c", "kill -TERM $$"), 128 + signal.SIGTERM),
        (("no-such-command",), 127),
        (("/",), 126),
    ],
)
@posix
def test_exit_codes_of_exec(at_entra: Program, command: tuple[str, ...], code: int) -> None:
    done = at_entra("exec", "--", *command)
    assert (done.code, done.out) == (code, "")


@posix
def test_exec_passes_signals_on(at_entra: Program) -> None:
    script = 'trap "echo got it; exit 9" TERM; echo ready >&2; while :; do sleep 0.05; done'
    running = Running(at_entra, "exec", "--", "sh", "-c", script)
    running.says("(ready)")
    running.process.send_signal(signal.SIGTERM)
    assert running.end()[:2] == (9, "got it\n")


def test_exec_without_an_identity(anonymous: Program) -> None:
    """The command starts; its request says that no identity is available, and so does standard error."""
    code = (
        "import os,urllib.request,urllib.error\n"
        "r=urllib.request.Request(os.environ['IDENTITY_ENDPOINT']+'?api-version=2019-08-01&resource=https://vault.azure.net',"
        "headers={'X-IDENTITY-HEADER':os.environ['IDENTITY_HEADER']})\n"
        "try: urllib.request.urlopen(r)\n"
        "except urllib.error.HTTPError as e: print(e.code, e.read().decode())\n"
    )
    done = anonymous("exec", "--", PYTHON, "-c", code)
    assert done.out.startswith("400 ")
    assert "No identity is available." in done.out
    assert "NotConfigured" in done.err


def test_exec_with_a_profile_that_does_not_exist(at_entra: Program) -> None:
    done = at_entra("exec", "--endpoint", "app-service@nobody", "--", "true")
    assert done.code == 2
    assert "There is no profile 'nobody'" in done.err


def test_exec_refuses_two_endpoints_for_one_variable(at_entra: Program, tmp_path: Path) -> None:
    keys = ("--arc-keys", str(tmp_path / "keys"))
    done = at_entra("exec", *keys, "--endpoint", "azure-arc=0", "--endpoint", "app-service", "--", "true")
    assert done.code == 2
    assert "IDENTITY_ENDPOINT" in done.err or "does not say" in done.err


def test_the_environment_of_a_command() -> None:
    before = {
        "AZURE_CLIENT_SECRET": "s",
        "MSI_ENDPOINT": "http://old",
        "AZURE_AUTHORITY_HOST": "h",
        "HTTP_PROXY": "http://proxy",
        "NO_PROXY": "corp",
        "PATH": "/bin",
    }
    assert environment_of(before, {"IDENTITY_ENDPOINT": "u"}) == {
        "AZURE_AUTHORITY_HOST": "h",
        "HTTP_PROXY": "http://proxy",
        "NO_PROXY": "corp,127.0.0.1,localhost",
        "no_proxy": "corp,127.0.0.1,localhost",
        "PATH": "/bin",
        "IDENTITY_ENDPOINT": "u",
    }


def ask(variables: dict[str, str], resource: str = ARM) -> tuple[int, dict[str, Any]]:
    url = f"{variables['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource={resource}"
    headers = {"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def variables_in(path: Path) -> dict[str, str]:
    for _ in range(200):  # it is written by rename, after the line that `says` has read
        if path.exists():
            break
        time.sleep(0.02)
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


@posix
def test_serve_reloads_and_ends(anonymous: Program, entra: Emulator, tmp_path: Path) -> None:
    """SIGHUP reads the profiles again, a broken file is said and survived; SIGTERM and ^C end with 0.

    The file of variables is for its owner alone, and has the same secret after a restart.
    """
    app, folder = entra.state.default_app, tmp_path / "env"
    secret = {"A_SECRET": app.secrets[0].value}
    anonymous.environment |= secret
    profile = f'[profile.ci]\ntenant = "{entra.state.default_tenant.id}"\nclient_id = "{app.id}"\n'
    anonymous.profile(profile + 'client_secret = "env:A_SECRET"\n')
    found = []
    for number in (signal.SIGTERM, signal.SIGINT):
        running = Running(anonymous, "serve", "app-service@ci", "--env-dir", str(folder))
        running.says(r"app-service@ci is at (127\.0\.0\.1:\d+)\.")
        path = folder / "app-service@ci.env"
        deadline = time.monotonic() + 20
        while (status := _status(path)) != 200:
            assert time.monotonic() < deadline, status
        variables = variables_in(path)
        assert path.stat().st_mode & 0o777 == 0o600
        found.append(variables["IDENTITY_HEADER"])
        if number == signal.SIGINT:
            anonymous.profile("[profile.other]\n")
            running.process.send_signal(signal.SIGHUP)
            running.says("(There is no profile 'ci')")
            assert ask(variables)[0] == 400
            anonymous.profile(profile + 'client_secret = "env:A_SECRET"\n')
            running.process.send_signal(signal.SIGHUP)
            running.says("(configuration was read again)")
            assert ask(variables)[0] == 200
        running.process.send_signal(number)
        code, out = running.end()
        assert (code, out) == (0, "")
        assert app.secrets[0].value not in running.err
        assert variables["IDENTITY_HEADER"] not in running.err
    assert found[0] == found[1]


def _status(path: Path) -> int:
    try:
        return ask(variables_in(path))[0]
    except OSError:
        time.sleep(0.05)
        return 0


@posix
def test_a_file_of_variables_that_others_can_read_is_refused(at_entra: Program, tmp_path: Path) -> None:
    path = tmp_path / "app-service.env"
    path.write_text(f"IDENTITY_HEADER={'a' * 64}\n")
    path.chmod(0o644)
    done = at_entra("serve", "--env-dir", str(tmp_path))
    assert (done.code, done.out) == (2, "")
    assert "is not yours alone" in done.err


@posix
def test_serve_when_the_sign_in_is_revoked(anonymous: Program, entra: Emulator, tmp_path: Path) -> None:
    """The caller gets the sentence with the command; after `mstoken login` the same service gives tokens again."""
    sign_in(anonymous, entra)
    running = Running(anonymous, "serve", "--env-dir", str(tmp_path))
    running.says("(app-service is at)")
    variables = variables_in(tmp_path / "app-service.env")
    assert ask(variables)[0] == 200
    entra.revoke(NADIA)
    status, body = ask(variables, "https://vault.azure.net")
    assert status == 400
    assert "mstoken login" in body["message"]
    sign_in(anonymous, entra)
    assert ask(variables, "https://vault.azure.net")[0] == 200
    running.process.terminate()
    assert running.end()[0] == 0


@linux
def test_serve_on_a_full_disk(at_entra: Program, tmp_path: Path) -> None:
    """Neither the cache nor the request log can be written; tokens are served."""
    with small_disk(tmp_path / "disk") as disk:
        at_entra.environment |= {"MSTOKEN_CACHE_DIR": str(disk.folder / "cache")}
        log = (disk.folder / "log").open("wb")
        process = subprocess.Popen(
            [MSTOKEN, "serve", "--env-dir", str(tmp_path / "env")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=at_entra.environment,
        )
        try:
            variables = variables_in(tmp_path / "env" / "app-service.env")
            assert ask(variables)[0] == 200
            disk.fill()
            for resource in (ARM, "https://vault.azure.net", "https://graph.microsoft.com"):
                assert ask(variables, resource)[0] == 200
        finally:
            process.terminate()
            assert process.wait(30) == 0
            log.close()


@linux
def test_the_real_addresses_in_a_namespace(at_entra: Program, entra: Emulator) -> None:
    """169.254.169.254:80 and Azure Arc's agent, as SDKs find them without any variable or with the agent's own.

    In a network and mount namespace, where this user is root; the emulator is outside, so a cached token is served.
    """
    if subprocess.run(["unshare", "-Urnm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are not allowed here")
    token = at_entra("get", f"{ARM}/.default").out.strip()
    sdk = f"from azure.identity import ManagedIdentityCredential as M; print(M().get_token('{ARM}/.default').token)"
    environment = "env -i PATH=$PATH HOME=$HOME"
    arc = "IMDS_ENDPOINT=http://127.0.0.1:40342 IDENTITY_ENDPOINT=http://127.0.0.1:40342/metadata/identity/oauth2/token"
    script = f"""
ip link set lo up && ip address add 169.254.169.254/32 dev lo || exit 91
mkdir -p /var/opt 2>/dev/null; mount -t tmpfs tmpfs /var/opt || exit 92
"{MSTOKEN}" serve imds=169.254.169.254:80 azure-arc > /dev/null & serving=$!
for try in $(seq 100); do (echo > /dev/tcp/127.0.0.1/40342) 2>/dev/null && break; sleep 0.1; done
{environment} "{PYTHON}" -c "{sdk}"
{environment} {arc} "{PYTHON}" -c "{sdk}"
ls /var/opt/azcmagent/tokens | wc -l
kill $serving; wait $serving
"""
    done = subprocess.run(
        ["unshare", "-Urnm", "bash", "-c", script],
        env={name: text for name, text in at_entra.environment.items() if name != "AZURE_POD_IDENTITY_AUTHORITY_HOST"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode in (91, 92):
        pytest.skip("no address or mount can be made in a namespace here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [token, token, "0"], done.stderr

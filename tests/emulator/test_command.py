"""The emulator from a shell."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from entra_emulator import environment
from entra_emulator.command import run, serve

EMULATOR = [sys.executable, "-m", "entra_emulator"]


def emulate(*words: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run `python -m entra_emulator` to its end."""
    return subprocess.run([*EMULATOR, *words], capture_output=True, text=True, timeout=60, check=False, env=env)


def python(code: str) -> list[str]:
    """A command that runs Python code."""
    return ["--", sys.executable, "-c", code]


def test_command_reaches_the_emulator_with_the_standard_library() -> None:
    """A plain program gets a token by the authority's URL and by Microsoft's name; stdout is the program's alone."""
    code = """
import json, os, urllib.parse, urllib.request
e = os.environ
form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": e["AZURE_CLIENT_ID"],
    "client_secret": e["AZURE_CLIENT_SECRET"], "scope": "https://graph.microsoft.com/.default"}).encode()
for base in (e["AZURE_AUTHORITY_HOST"], "https://login.microsoftonline.com"):
    with urllib.request.urlopen(f"{base}/{e['AZURE_TENANT_ID']}/oauth2/v2.0/token", form) as answer:
        print(json.load(answer)["token_type"])
"""
    done = emulate(*python(code))
    assert (done.returncode, done.stdout, done.stderr) == (0, "Bearer\nBearer\n", "")


def test_environment_is_hermetic() -> None:
    """Inherited AZURE_, MSTOKEN_ and managed identity settings are gone, others stay; the folders are empty and new."""
    inherited = {
        **os.environ,
        "AZURE_USERNAME": "x",
        "AZURE_CLIENT_ID": "mine",
        "MSTOKEN_PROFILE": "x",
        "IDENTITY_ENDPOINT": "x",
        "ALL_PROXY": "x",
        "KEPT": "yes",
    }
    done = emulate(*python("import json, os; print(json.dumps(dict(os.environ)))"), env=inherited)
    seen = json.loads(done.stdout)
    assert not {"AZURE_USERNAME", "MSTOKEN_PROFILE", "IDENTITY_ENDPOINT", "ALL_PROXY"} & set(seen)
    assert seen["AZURE_CLIENT_ID"] != "mine"
    assert seen["KEPT"] == "yes"
    assert seen["NO_PROXY"] == "localhost,127.0.0.1"
    assert not Path(seen["MSTOKEN_CACHE_DIR"]).exists()


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_exit_code_is_the_commands(code: int) -> None:
    """The emulator ends with its command's exit code."""
    assert emulate(*python(f"raise SystemExit({code})")).returncode == code


def test_command_ended_by_a_signal_is_128_and_its_number() -> None:
    """A command that a signal ended gives 128 plus the signal's number, as in shells."""
    done = emulate(*python("import os, signal; os.kill(os.getpid(), signal.SIGTERM)"))
    assert done.returncode == 128 + signal.SIGTERM


def test_a_missing_command_is_127() -> None:
    """A command that cannot be found: 127, one line on stderr, nothing on stdout."""
    done = emulate("--", "no-such-command-anywhere")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "There is no command no-such-command-anywhere.\n"


def test_command_that_cannot_be_executed_is_126(tmp_path: Path) -> None:
    """A file that is no program: 126 and one line."""
    file = tmp_path / "notes.txt"
    file.write_text("text")
    done = emulate("--", str(file))
    assert done.returncode == 126
    assert len(done.stderr.splitlines()) == 1


def test_bad_configuration_is_125(tmp_path: Path) -> None:
    """A configuration that cannot be used: 125 and a line that names file and place, no traceback."""
    file = tmp_path / "bad.toml"
    file.write_text("[[tenants]]\nid = 'x'\nname = 'n'\n")
    done = emulate("--config", str(file), *python("print('not reached')"))
    assert (done.returncode, done.stdout) == (125, "")
    assert "bad.toml" in done.stderr
    assert "tenants[0].id" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_packages_are_reported_in_one_line() -> None:
    """Where the emulator's packages are not installed, one line says how to install them."""
    code = "import sys; sys.modules['starlette'] = None; from entra_emulator.command import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, "--", "true"], capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert len(done.stderr.splitlines()) == 1
    assert "pip install 'mstoken[emulator]'" in done.stderr


def test_no_command_after_the_dashes_is_usage() -> None:
    """`--` without a command is a usage error."""
    assert emulate("--").returncode == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_passed_on(number: signal.Signals, tmp_path: Path) -> None:
    """A signal to the emulator reaches the command, whose own ending decides."""
    ready = tmp_path / "ready"
    code = f"""
import pathlib, signal, sys, time
signal.signal({int(number)}, lambda *_: sys.exit(42))
pathlib.Path({str(ready)!r}).touch()
time.sleep(60)
"""
    # A session of its own: with no terminal nobody else delivers the signal.
    with subprocess.Popen([*EMULATOR, *python(code)], start_new_session=True) as process:
        _wait_for(ready.exists)
        process.send_signal(number)
        assert process.wait(timeout=30) == 42


def test_serve_prints_settings_and_ends_on_interrupt() -> None:
    """Alone, it tells its settings on stderr until an interrupt, then leaves nothing behind and exits with 0."""
    with subprocess.Popen(
        [*EMULATOR, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        file = re.search(r"SSL_CERT_FILE='(\S+)'", "".join(lines))
        assert file
        assert Path(file[1]).exists()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")
    assert not Path(file[1]).exists()


def test_a_port_in_use_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that cannot be used is told in one line."""
    assert serve(["--port", "99999"]) == 125
    assert "99999" in capsys.readouterr().err


def test_run_is_callable(capfd: pytest.CaptureFixture[str]) -> None:
    """run() gives the exit code and leaves stdout to the command."""
    assert run([sys.executable, "-c", "import sys; print('mine'); sys.exit(3)"]) == 3
    assert capfd.readouterr().out == "mine\n"


def test_for_command_removes_real_configuration_only() -> None:
    """The inherited environment is kept but for settings that would lead past the emulator."""
    inherited = {"PATH": "/bin", "AZURE_X": "1", "MSTOKEN_X": "1", "HTTPS_PROXY": "old", "SSL_CERT_DIR": "/x"}
    assert environment.for_command({"HTTPS_PROXY": "new"}, inherited) == {"PATH": "/bin", "HTTPS_PROXY": "new"}


def _wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if happened():
            return
        time.sleep(0.02)
    pytest.fail("It did not happen in 30 seconds.")

"""`mstoken emulator env`: the settings of an emulator in another terminal."""

import re
import signal
import subprocess
import sys

MSTOKEN = [sys.executable, "-m", "mstoken"]


def test_settings_of_the_emulator_in_another_terminal() -> None:
    """The settings go to standard output, in the syntax of the requested shell."""
    with subprocess.Popen([*MSTOKEN, "emulator"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        found = None
        for line in process.stderr:
            found = found or re.search(r"https://localhost:(\d+)", line)
            if "Ctrl-C" in line:
                break
        assert found
        command = [*MSTOKEN, "emulator", "env", "--port", found[1], "--shell", "powershell"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        process.send_signal(signal.SIGINT)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"$env:AZURE_AUTHORITY_HOST = 'https://localhost:{found[1]}'" in done.stdout
    first, *settings, proxy, warning = done.stdout.splitlines()
    assert all(line.startswith(("$env:", "Remove-Item Env:")) for line in settings)
    assert first.startswith("if (-not $global:EntraEmulatorBefore) {")
    assert "[Net.Http.HttpClient]::DefaultProxy = [Net.WebProxy]::new('http://127.0.0.1:" in proxy
    assert "Windows PowerShell 5.1" in warning


def test_without_an_emulator_it_is_a_usage_error() -> None:
    """Exit code 2, nothing on standard output, and a remedy on standard error."""
    done = subprocess.run([*MSTOKEN, "emulator", "env", "--port", "1"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "No emulator of yours runs on port 1. Start one in another terminal: mstoken emulator\n"


def test_the_shells_are_those_of_the_emulator() -> None:
    """The command line offers the shells that the emulator supports."""
    from entra_emulator.shells import KINDS
    from mstoken.cli.emulator import _SHELLS

    assert tuple(KINDS) == _SHELLS

"""`mstoken request --save`: the file, the line at a terminal, and an interruption."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.program import MSTOKEN, Program
from tests.support.raw_server import RawServer
from tests.support.token_service import CLIENT_ID, TENANT, TokenService

from mstoken.cli.status_line import StatusLine, Transfer, _size


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_interrupted_download_is_kept_and_says_so(tmp_path: Path, token_service: TokenService) -> None:
    """^C leaves no file under the name, and no lock."""
    program, part = Program(tmp_path), tmp_path / ".big.bin.part"
    start = b'HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: 1000000\r\n\r\n' + bytes(500_000)
    with RawServer([[start]], close=False) as api:
        words = ["request", "GET", f"{api.url}file", "--scope", "graph", "--origin", api.url.rstrip("/")]
        variables = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": "not-real"}
        process = subprocess.Popen(
            [MSTOKEN, *words, "--save", "big.bin", "--authority", token_service.url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=program.environment | variables,
        )
        until = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size > 100_000) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert "The same command continues the download." in said.decode()
    assert part.stat().st_size > 100_000
    assert sorted(path.name for path in tmp_path.glob("*big*")) == [".big.bin.part", ".big.bin.part.json"]


def test_the_line_has_a_bar_a_rate_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of an earlier run count for the bar, not for the rate. A file gets nothing."""
    monkeypatch.setattr(sys, "stderr", screen := _Terminal())
    shown = Transfer()
    shown.show(1_000_000, 4_000_000)
    shown._began_on -= 2
    shown._drawn_on = 0.0
    shown.show(3_000_000, 4_000_000)
    shown.erase()
    first, second, blank, end = screen.getvalue().split("\r")[1:]
    assert first.startswith("[#####...............] 1.0 MB of 4.0 MB, ")
    assert second.startswith("[###############.....] 3.0 MB of 4.0 MB, ")
    assert second.rstrip().endswith("s left")
    assert "kB/s" in second or "MB/s" in second
    assert (blank.strip(), end) == ("", "")
    monkeypatch.setattr(sys, "stderr", file := io.StringIO())
    Transfer().show(1, 2)
    assert file.getvalue() == ""


def test_a_message_comes_above_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", screen := _Terminal())
    line = StatusLine()
    line.draw("half")
    line.message("Something happened.")
    assert screen.getvalue() == "\rhalf\r    \rmstoken: Something happened.\n"


def test_without_a_total_the_line_has_bytes_and_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", screen := _Terminal())
    Transfer().show(5, None)
    assert screen.getvalue().startswith("\r5 bytes, ")


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (327_680, "328 kB"), (5e9, "5.0 GB"), (5e15, "5000 TB")],
)
def test_sizes_have_their_unit(number: float, text: str) -> None:
    assert _size(number) == text

"""Run commands and clients in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.parameters import ROOT
from bench.results import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_IN = 1800


def run_client(target: str, environment: Mapping[str, str], arguments: Mapping[str, Any]) -> dict[str, float]:
    """Call `module:function` of bench.clients with `arguments` in a new process and return its numbers.

    Raises Unavailable if it fails.
    """
    command = [sys.executable, "-m", "bench.child", f"bench.clients.{target}", json.dumps(arguments)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=_LONGEST_IN
    )
    if done.returncode:
        raise Unavailable(f"it failed: {_last_line(done.stderr)}")
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers


def timed_command(command: list[str], environment: Mapping[str, str]) -> dict[str, float]:
    """The wall time of a command in seconds, from start to exit; its output is discarded.

    Raises Unavailable if it fails.
    """
    no_files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    started = time.perf_counter()
    process = os.posix_spawn(command[0], command, environment, file_actions=no_files)
    _, status = os.waitpid(process, 0)
    seconds = time.perf_counter() - started
    if status:
        output_of(command, environment)  # raises with the command's own message
        raise Unavailable(f"{Path(command[0]).name} failed only when it was timed (status {status})")
    return {"seconds": seconds}


def output_of(command: list[str], environment: Mapping[str, str]) -> str:
    """What a command prints. Raises Unavailable with its last line on standard error if it fails."""
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        raise Unavailable(f"{Path(command[0]).name} ended with {done.returncode}: {_last_line(done.stderr)}")
    return done.stdout


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it printed nothing"

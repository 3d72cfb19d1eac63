"""Client programs in other languages, which run in an emulator's environment and exchange lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.scripted_user import ScriptedUser


class ClientProgram:
    """A running program. If it needs a person, `person` acts."""

    def __init__(self, command: Sequence[str], person: ScriptedUser, folder: Path) -> None:
        self._person = person
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ), cwd=folder
        )

    def run(self, flow: str, **given: Any) -> dict[str, Any]:
        """Run one flow and return its outcome."""
        self._send({"flow": flow, **given})
        while True:
            said = self._hear()
            if "outcome" in said:
                return dict(said["outcome"])
            self._send(self._act(said))

    def forget(self) -> None:
        """Start again with empty token caches."""
        self._send({"flow": "forget"})
        self._hear()

    def _act(self, said: dict[str, str]) -> Any:
        if "visit" in said:
            return self._person.authorize(said["visit"]).fields
        if "open" in said:
            return self._person.open(said["open"])
        return self._person.enter_code(said["enter"], said["code"])

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "The program ended."
        said: dict[str, Any] = json.loads(line)
        return said

    def _send(self, what: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._send({})
        assert self._process.stdin
        assert self._process.stdout
        self._process.wait(timeout=30)
        self._process.stdin.close()
        self._process.stdout.close()

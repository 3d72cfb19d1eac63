"""How the tests start Java in an emulator's environment."""

from __future__ import annotations

import shlex

from entra_emulator import Emulator
from entra_emulator.shells import render


def java_options(entra: Emulator) -> str:
    """JAVA_TOOL_OPTIONS as `mstoken emulator env --shell java` prints it: proxy and trust store."""
    for line in render(entra.announce(), "java").splitlines():
        for word in shlex.split(line, comments=True):
            name, _, value = word.partition("=")
            if name == "JAVA_TOOL_OPTIONS":
                return value
    raise AssertionError("There is no JAVA_TOOL_OPTIONS.")

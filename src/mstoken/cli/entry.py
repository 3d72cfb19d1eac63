"""Where the program starts. Nothing is imported before it is needed: start-up is most of a short command's time."""

from __future__ import annotations

import sys


def main() -> int:
    """The `mstoken` command; its exit code."""
    from mstoken.cli import failures

    return failures.run(_full)


def _full() -> int:
    from mstoken.cli.app import main as full

    return full(sys.argv[1:])

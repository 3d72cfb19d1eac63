"""Run every test on all cores; the few that fail there run once more, one after the other.

Some tests time a real program, and a busy machine can stop one for seconds. A test that fails in both runs is a
failure; one that passes alone is named at the end. More than a few are never the machine's fault: no second run.
The reasons are in docs/decisions/0018-second-run.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FEW = 3
"""So many failures may be the machine's fault."""
TESTS_FAILED = 1
"""Pytest's exit code for this; any other (interrupted, an error of pytest, usage) is final."""
_FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"


def main(options: list[str]) -> int:
    """Pytest's exit code; `options` go to both runs."""
    _FAILED.unlink(missing_ok=True)
    code = _pytest("-n", "auto", *options)
    if code != TESTS_FAILED or not _FAILED.exists():
        return code
    failed = list(json.loads(_FAILED.read_text("utf-8")))
    if len(failed) > FEW:
        return code
    print(f"once more, alone: {len(failed)} of the tests", flush=True)
    code = _pytest("--last-failed", *options)
    if code == 0:
        print("passed alone, failed beside the others:", *failed, sep="\n  ")
    return code


def _pytest(*options: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *options], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Fuzz one parser with atheris until it breaks: `python -m fuzz "token answer" [libFuzzer's options]`.

Not part of `make test`, which fuzzes the same parsers by hypothesis. Begins with the bytes of tests/support/seeds.py.
Needs `pip install atheris` and what the tests need.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path


def main() -> None:
    import atheris  # type: ignore[import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["mstoken"]):
        from tests.support.parsers import TARGETS, run
    from tests.support.seeds import SEEDS

    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit("Name a parser: " + "; ".join(TARGETS))
    seeds = tempfile.mkdtemp(prefix="mstoken-fuzz-")
    for number, seed in enumerate(SEEDS):
        Path(seeds, str(number)).write_bytes(seed)
    atheris.Setup([sys.argv[0], *sys.argv[2:], seeds], lambda data: run(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

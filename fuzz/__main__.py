"""Fuzz one parser with atheris until it breaks: `python -m fuzz "token answer" [libFuzzer's options]`.

Not part of `make test`, which fuzzes the same parsers by hypothesis. Needs `pip install atheris` and the test extras.
"""

from __future__ import annotations

import sys


def main() -> None:
    import atheris  # type: ignore[import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["mstoken"]):
        from tests.support.parsers import TARGETS, run
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit("Name a parser: " + "; ".join(TARGETS))
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda data: run(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

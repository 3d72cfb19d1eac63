"""Run one client once in this process and print its numbers: `python -m bench.child MODULE:FUNCTION JSON`."""

from __future__ import annotations

import importlib
import json
import os
import sys


def main() -> None:
    module, _, function = sys.argv[1].partition(":")
    numbers = getattr(importlib.import_module(module), function)(**json.loads(sys.argv[2]))
    json.dump(numbers, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # the end of the process is not measured


if __name__ == "__main__":
    main()

"""Run one contender once, in this process: `python -m bench.child MODULE:FUNCTION JSON`; its numbers as JSON."""

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
    os._exit(0)  # the measuring is over


if __name__ == "__main__":
    main()

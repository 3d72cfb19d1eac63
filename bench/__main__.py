"""`python -m bench [--quick] [--with-az] [--only NAME …]`: run the benchmarks and write their results.

A full run writes bench/results.json, docs/speed.md and its pictures. A run with --quick or --only writes to bench/out/.
`--page` writes the page and its pictures again from bench/results.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench import az, benchmarks, machine, page
from bench.parameters import ROOT
from bench.results import SCHEMA, Skipped, Unavailable, to_json
from bench.run import Bench, Scale
from bench.service import serving

RESULTS = ROOT / "bench" / "results.json"
PREVIEW = ROOT / "bench" / "out"


def main() -> int:
    options = _options()
    if options.page:
        page.write(json.loads(RESULTS.read_text(encoding="utf-8")), ROOT / "docs")
        return 0
    wanted = [benchmark for benchmark in benchmarks.ALL if not options.only or benchmark.NAME in options.only]
    report = run(
        [benchmark.NAME for benchmark in wanted], Scale.QUICK if options.quick else Scale.FULL, options.with_az
    )
    whole = not options.quick and not options.only
    target = RESULTS if whole else PREVIEW / "results.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    page.write(report, ROOT / "docs" if whole else PREVIEW)
    print(page.table(report))
    print(f"\nwritten: {target}", file=sys.stderr)
    return 0


def run(names: list[str], scale: Scale, with_az: bool) -> dict[str, object]:  # noqa: FBT001 - the flag of the command
    """Run the benchmarks of these names and return the report that results.py describes."""
    started_on, results = int(time.time()), []
    skipped: list[Skipped] = []
    with ExitStack() as stack:
        memory = Path("/dev/shm")  # noqa: S108 - a fresh folder of our own in it
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)))
        bench = Bench(scale, folder, stack.enter_context(serving(folder)), log=_log)
        if with_az:
            bench.az = _signed_in_az(bench, skipped)
        for benchmark in benchmarks.ALL:
            if benchmark.NAME in names:
                try:
                    results.append(benchmark.run(bench))
                except Unavailable as reason:
                    skipped.append(Skipped(benchmark.NAME, str(reason)))
        versions = machine.versions() | ({"azure-cli": bench.az.version} if bench.az else {})
    return {
        "schema": SCHEMA,
        "started_on": started_on,
        "scale": scale.name.lower(),
        "machine": machine.description(),
        "versions": versions,
        "benchmarks": [to_json(result) for result in results],
        "skipped": [to_json(one) for one in skipped],
    }


def _signed_in_az(bench: Bench, skipped: list[Skipped]) -> az.Az | None:
    try:
        az.install()
        signed_in = az.Az(bench.folder / "az", bench.environment(), bench.service.url)
        signed_in.sign_in()
    except Unavailable as reason:
        skipped.append(Skipped("az", str(reason)))
        return None
    return signed_in


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller numbers")
    parser.add_argument("--with-az", action="store_true", help="measure the Azure CLI too; installs it in .make/az")
    names = [benchmark.NAME for benchmark in benchmarks.ALL]
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help=f"run only these: {', '.join(names)}")
    parser.add_argument("--page", action="store_true", help="write docs/speed.md again from bench/results.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

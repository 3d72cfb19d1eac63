"""`python -m bench [--quick] [--with-az] [--only NAME …]`: run the races, write bench/results.json and docs/speed.md.

A run with --quick or --only is a look, not a report: it prints its verdicts and writes to bench/out/ only.
`--page` writes the page and its pictures again from the results there are.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench import az, machine, measures, page
from bench.results import SCHEMA, Absent, Unavailable, to_json
from bench.run import Bench, Scale
from bench.serving import ROOT, serving

RESULTS = ROOT / "bench" / "results.json"
LOOKS = ROOT / "bench" / "out"


def main() -> int:
    options = _options()
    if options.page:
        page.write(json.loads(RESULTS.read_text(encoding="utf-8")), ROOT / "docs")
        return 0
    wanted = [measure for measure in measures.ALL if not options.only or measure.NAME in options.only]
    report = run([measure.NAME for measure in wanted], Scale.QUICK if options.quick else Scale.FULL, options.with_az)
    whole = not options.quick and not options.only
    target = RESULTS if whole else LOOKS / "results.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    page.write(report, ROOT / "docs" if whole else LOOKS)
    print(page.table(report))
    print(f"\nwritten: {target}", file=sys.stderr)
    return 0


def run(names: list[str], scale: Scale, with_az: bool) -> dict[str, object]:  # noqa: FBT001 - the flag of the command
    """Run the measures of these names; the report, as results.py describes it."""
    started_on, results = int(time.time()), []
    absent: list[Absent] = []
    with ExitStack() as stack:
        memory = Path("/dev/shm")  # noqa: S108 - a fresh folder of our own in it
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)))
        bench = Bench(scale, folder, stack.enter_context(serving(folder)), say=_say)
        if with_az:
            bench.az = _signed_in(bench, absent)
        for measure in measures.ALL:
            if measure.NAME in names:
                try:
                    results.append(measure.run(bench))
                except Unavailable as reason:
                    absent.append(Absent(measure.NAME, str(reason)))
        versions = machine.versions() | ({"azure-cli": bench.az.version} if bench.az else {})
    return {
        "schema": SCHEMA,
        "started_on": started_on,
        "scale": scale.name.lower(),
        "machine": machine.described(),
        "versions": versions,
        "measures": [to_json(result) for result in results],
        "absent": [to_json(one) for one in absent],
    }


def _signed_in(bench: Bench, absent: list[Absent]) -> az.Az | None:
    try:
        az.install()
        signed_in = az.Az(bench.folder, bench.environment(), bench.service.url)
        signed_in.sign_in()
    except Unavailable as reason:
        absent.append(Absent("az", str(reason)))
        return None
    return signed_in


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller numbers, for a look")
    parser.add_argument("--with-az", action="store_true", help="race the Azure CLI too; installs it in .make/az")
    names = [measure.NAME for measure in measures.ALL]
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help=f"only these: {', '.join(names)}")
    parser.add_argument("--page", action="store_true", help="write docs/speed.md again from bench/results.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

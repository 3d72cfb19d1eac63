"""docs/speed.md: the table, the pictures and the method, from a report and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.results import UNITS, Verdict, result_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.results import Result

PICTURES = "speed"
SCALED = frozenset({"seconds", "bytes"})
_HEAD = """# Speed

<!-- Written by python -m bench from bench/results.json. Do not edit. -->

Each row was measured in one run, ours and the peers taking turns; a number is the median of the rounds, and a ratio is
made round by round, shown with the smallest and the largest one. A target that is missed is shown as missed.
"""
_METHOD = """## Method

- Contenders take turns within every round, and every second round runs in the opposite order, so that a noise on the
  machine meets all of them. A ratio belongs to one round; its median and its extremes over the rounds are shown.
- Libraries run in a fresh process for each round. Commands are timed whole, from start to exit, after one warm-up.
- The token service is a process of its own on the same machine: one thread, no framework, TLS, the answer always the
  same and as long as Entra's. It counts requests and connections. It answers at once unless a row says otherwise, so
  what is measured is the client; over a real network, waiting for the answer comes on top for everybody.
- All trust the same bundle: the public authorities and the bench's own. Its size is what people have, and it matters,
  because some clients parse it for every connection.
- Peers are used in the way that serves them best, except where a row says "as people write it".
- Floors are what nobody can be faster than: the bare interpreter, the bare HTTP client.

Run it again: `make bench`, which installs the Azure CLI into `.make/az` to race it too, and takes some minutes.
`.venv/bin/python -m bench` does without the CLI; there `--quick` is a first look, `--only NAME` one measure; both write
to `bench/out/` and leave this page alone. `bench/results.json` holds every sample; `bench/results.py` says how it is
laid out.
"""


def write(report: Mapping[str, Any], folder: Path) -> None:
    """Write speed.md and its pictures into `folder`."""
    from bench import plots

    folder.mkdir(parents=True, exist_ok=True)
    (folder / PICTURES).mkdir(exist_ok=True)
    pictures = {
        result.name: plots.draw(result, folder / PICTURES) for result in map(result_from_json, report["measures"])
    }
    (folder / "speed.md").write_text(text(report, pictures), encoding="utf-8")


def text(report: Mapping[str, Any], pictures: Mapping[str, list[str]]) -> str:
    """The page; `pictures` are the file names for each measure."""
    parts = [_HEAD, table(report), "", *_missed(report)]
    for result in map(result_from_json, report["measures"]):
        parts += [f"## {result.title}", "", result.method, ""]
        parts += [f"![{result.title}]({PICTURES}/{name})\n" for name in pictures.get(result.name, [])]
        parts += [_numbers(result), ""]
        parts += [f"Not measured: {one.name}: {one.why}.\n" for one in result.absent]
    if report["absent"]:
        parts += ["## Not measured", "", *(f"- {one['name']}: {one['why']}" for one in report["absent"]), ""]
    return "\n".join([*parts, _METHOD, _where(report)])


def table(report: Mapping[str, Any]) -> str:
    """One row for each target."""
    rows = [
        "| measure | ours | beside | result (spread) | to reach | reached |",
        "|---|---|---|---|---|---|",
    ]
    for result in map(result_from_json, report["measures"]):
        rows += [_row(verdict) for verdict in result.verdicts]
    return "\n".join(rows)


def _missed(report: Mapping[str, Any]) -> list[str]:
    """The targets that are missed, by how much and why."""
    verdicts = [one for measure in report["measures"] for one in result_from_json(measure).verdicts if not one.reached]
    if not verdicts:
        return []
    lines = [f"- **{one.what}**, {_who(one)}: {_short_of(one)} short of it. {one.why}" for one in verdicts]
    return ["## Missed, and why", "", *(line.rstrip() for line in lines), ""]


def amount(value: float, quantity: str) -> str:
    """A number with its unit, in the size people read best."""
    if quantity == "seconds":
        for factor, unit in ((1, "s"), (1e-3, "ms")):
            if value >= factor:
                return f"{_digits(value / factor)} {unit}"
        return f"{_digits(value / 1e-6)} µs"
    if quantity == "bytes":
        return f"{_digits(value / 1e6)} MB"
    return f"{_digits(value)} {UNITS[quantity]}"


def _bare(value: float, quantity: str) -> str:
    """The number, with a unit only where the size of the unit varies."""
    return amount(value, quantity) if quantity in SCALED else _digits(value)


def _row(verdict: Verdict) -> str:
    peer = f"{verdict.peer}: {amount(verdict.peer_value, verdict.quantity)}" if verdict.peer_value is not None else ""
    ours = f"{verdict.ours}: {amount(verdict.ours_value, verdict.quantity)}"
    if verdict.judged == "ratio":
        shown = f"{_digits(verdict.number)} x ({_digits(verdict.low)} to {_digits(verdict.high)})"
        goal = f"{verdict.bound} {verdict.limit:g} x"
    else:
        low, high = _bare(verdict.low, verdict.quantity), _bare(verdict.high, verdict.quantity)
        shown = f"{_bare(verdict.number, verdict.quantity)} ({low} to {high})"
        goal = f"{verdict.bound} {_bare(verdict.limit, verdict.quantity)}"
    return f"| {verdict.what} | {ours} | {peer} | {shown} | {goal} | {_reached(verdict)} |"


def _reached(verdict: Verdict) -> str:
    """Yes or no, and by how much."""
    if not verdict.limit or not verdict.number:
        return "yes" if verdict.reached else "**no**"
    if not verdict.reached:
        return f"**no**, {_short_of(verdict)} short of it"
    room = _room(verdict)
    return f"yes, {_digits(room)} x better" if room > 1 else "yes"


def _who(verdict: Verdict) -> str:
    return f"{verdict.ours} beside {verdict.peer}" if verdict.peer else verdict.ours


def _short_of(verdict: Verdict) -> str:
    ratio = 1 / _room(verdict)
    return f"{ratio:.2f} x" if ratio < 2 else f"{_digits(ratio)} x"


def _room(verdict: Verdict) -> float:
    return verdict.limit / verdict.number if verdict.bound == "at most" else verdict.number / verdict.limit


def _numbers(result: Result) -> str:
    """All medians of a measure: one row for each entrant, one column for each quantity."""
    known = [name for name in UNITS if any(name in entrant.samples for entrant in result.entrants)]
    rows = [f"| | {' | '.join(UNITS[name] if name != 'seconds' else 'time' for name in known)} | rounds |"]
    rows.append("|---" * (len(known) + 2) + "|")
    for entrant in result.entrants:
        cells = [_bare(entrant.median(name), name) if name in entrant.samples else "" for name in known]
        rounds = max(len(samples) for samples in entrant.samples.values())
        shown = f"**{entrant.name}**" if entrant.kind == "ours" else entrant.name
        rows.append(f"| {shown} | {' | '.join(cells)} | {rounds} |")
    return "\n".join(rows)


def _where(report: Mapping[str, Any]) -> str:
    when = datetime.fromtimestamp(report["started_on"], UTC).strftime("%d %B %Y")
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    machine = ", ".join(f"{name}: {value}" for name, value in report["machine"].items())
    return f"Measured on {when} ({report['scale']} run) with {versions}. {machine}.\n"


def _digits(value: float) -> str:
    """Two or three digits that mean something, with thousands set apart."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}"

"""docs/speed.md: the table, the pictures and the method, written from a report and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.results import UNITS, Verdict, result_from_json
from bench.units import amount, digits, number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.results import Result

PICTURES = "speed"
_HEAD = """# Speed

<!-- Written by python -m bench from bench/results.json. Do not edit. -->

![How many times faster mstoken is](speed/summary.svg)

All rows come from one run in which mstoken and its peers take turns. A number is the median of the rounds. A ratio is
computed round by round; its smallest and largest values are in parentheses. A missed goal is shown as missed.
"""
_EARLIER = """**This run was made before the network layer of today** ([decision 0015](decisions/0015-network.md)), with
pyreqwest in mstoken and as the bare client. It is not repeated yet; `make bench` does that.
"""
_METHOD = """## Method

- All candidates run in every round, and every second round runs in the opposite order, so that other load on the
  machine affects all of them alike. A ratio compares two candidates of the same round.
- Each library runs in a new process for each round. Commands are timed from start to exit, after one warm-up.
- The token service is a separate process on the same machine: one thread, no framework, TLS 1.3, and always the same
  answer, as long as Entra's. It answers at once unless a section says otherwise, so the client is what is measured. It
  counts requests and connections.
- All clients trust the same bundle of certificates: the public authorities and the bench's own. Its size is realistic,
  which matters because some clients parse it for every connection.
- Peers are used in the way that makes them fastest, except where a row says "as people write it".
- A baseline is what no client can beat: the bare interpreter, or the bare HTTP client that sends the same requests.

To run it again, use `make bench`. It installs the Azure CLI into `.make/az` and takes about ten minutes.
`.venv/bin/python -m bench` runs without the Azure CLI; `--quick` takes smaller numbers, and `--only NAME` runs one
benchmark. Both write to `bench/out/` and do not change this page. `bench/results.json` has every sample;
`bench/results.py` describes its format.
"""


def write(report: Mapping[str, Any], folder: Path) -> None:
    """Write speed.md and its pictures into `folder`."""
    from bench import charts, summary

    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    results = list(map(result_from_json, report["benchmarks"]))
    pictures = {result.name: charts.draw(result, folder / PICTURES) for result in results}
    (folder / PICTURES / "summary.svg").write_text(summary.draw(results), encoding="utf-8")
    (folder / "speed.md").write_text(text(report, pictures), encoding="utf-8")


def text(report: Mapping[str, Any], pictures: Mapping[str, list[str]]) -> str:
    """The page; `pictures` has the file names for each benchmark."""
    parts = [_HEAD, *([_EARLIER] if "pyreqwest" in report["versions"] else []), table(report), "", *_missed(report)]
    for result in map(result_from_json, report["benchmarks"]):
        parts += [f"## {result.title}", "", result.method, ""]
        parts += [f"![{result.title}]({PICTURES}/{name})\n" for name in pictures.get(result.name, [])]
        parts += [_numbers(result), ""]
        parts += [f"Not measured: {one.name}: {one.why}.\n" for one in result.skipped]
    if report["skipped"]:
        parts += ["## Not measured", "", *(f"- {one['name']}: {one['why']}" for one in report["skipped"]), ""]
    return "\n".join([*parts, _METHOD, _where(report)])


def table(report: Mapping[str, Any]) -> str:
    """A row for each goal."""
    rows = [
        "| what | mstoken | compared with | result (spread) | goal | reached |",
        "|---|---|---|---|---|---|",
    ]
    for result in map(result_from_json, report["benchmarks"]):
        rows += [_row(verdict) for verdict in result.verdicts]
    return "\n".join(rows)


def _missed(report: Mapping[str, Any]) -> list[str]:
    """The goals that are missed, by how much, and why."""
    verdicts = [one for result in report["benchmarks"] for one in result_from_json(result).verdicts if not one.reached]
    if not verdicts:
        return []
    lines = [f"- **{one.what}**, {_compared(one)}: missed by {_short_of(one)}. {one.why}" for one in verdicts]
    return ["## Missed goals", "", *(line.rstrip() for line in lines), ""]


def _row(verdict: Verdict) -> str:
    peer = f"{verdict.peer}: {amount(verdict.peer_value, verdict.quantity)}" if verdict.peer_value is not None else ""
    ours = f"{verdict.ours}: {amount(verdict.ours_value, verdict.quantity)}"
    if verdict.judged == "ratio":
        shown = f"{digits(verdict.number)} x ({digits(verdict.low)} to {digits(verdict.high)})"
        goal = f"{verdict.bound} {verdict.limit:g} x"
    else:
        low, high = number(verdict.low, verdict.quantity), number(verdict.high, verdict.quantity)
        shown = f"{number(verdict.number, verdict.quantity)} ({low} to {high})"
        goal = f"{verdict.bound} {number(verdict.limit, verdict.quantity)}"
    return f"| {verdict.what} | {ours} | {peer} | {shown} | {goal} | {_reached(verdict)} |"


def _reached(verdict: Verdict) -> str:
    """Whether the goal is reached, and by how much."""
    if not verdict.limit or not verdict.number:
        return "yes" if verdict.reached else "**no**"
    if not verdict.reached:
        return f"**no**, missed by {_short_of(verdict)}"
    room = _room(verdict)
    return f"yes, {digits(room)} x better" if room > 1 else "yes"


def _compared(verdict: Verdict) -> str:
    return f"{verdict.ours} compared with {verdict.peer}" if verdict.peer else verdict.ours


def _short_of(verdict: Verdict) -> str:
    ratio = 1 / _room(verdict)
    return f"{ratio:.2f} x" if ratio < 2 else f"{digits(ratio)} x"


def _room(verdict: Verdict) -> float:
    return verdict.limit / verdict.number if verdict.bound == "at most" else verdict.number / verdict.limit


def _numbers(result: Result) -> str:
    """All medians of a benchmark: a row for each candidate, a column for each quantity."""
    known = [name for name in UNITS if any(name in candidate.samples for candidate in result.candidates)]
    rows = [f"| | {' | '.join(UNITS[name] if name != 'seconds' else 'time' for name in known)} | rounds |"]
    rows.append("|---" * (len(known) + 2) + "|")
    for candidate in result.candidates:
        cells = [number(candidate.median(name), name) if name in candidate.samples else "" for name in known]
        rounds = max(len(samples) for samples in candidate.samples.values())
        shown = f"**{candidate.name}**" if candidate.kind == "ours" else candidate.name
        rows.append(f"| {shown} | {' | '.join(cells)} | {rounds} |")
    return "\n".join(rows)


def _where(report: Mapping[str, Any]) -> str:
    when = datetime.fromtimestamp(report["started_on"], UTC).strftime("%d %B %Y")
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    machine = ", ".join(f"{name}: {value}" for name, value in report["machine"].items())
    return f"Measured on {when} ({report['scale']} run) with {versions}. Machine: {machine}.\n"

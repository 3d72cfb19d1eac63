"""Pictures of a result as SVG: bars that compare candidates, and lines for growth.

mstoken is blue, peers are orange and baselines grey, colours that people with any colour vision tell apart (Okabe and
Ito). Every bar and line has its name and value beside it and needs no legend. Text stays text, on a white background.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bench.results import UNITS
from bench.units import SCALED, amount

if TYPE_CHECKING:
    from pathlib import Path

    from bench.results import Kind, Result, Series

COLOURS: dict[Kind, str] = {"ours": "#0072B2", "peer": "#E69F00", "baseline": "#8C8C8C"}
_DRAWN = ("round_trips", "tokens_per_s", "calls_per_s", "token_requests", "bytes_per_token", "seconds")
"""A bar chart shows the first of these that every candidate has."""
_WIDE_RANGE = 40
_LINE = 0.075
"""The height of a line of text, as a part of the height of a line chart."""
_MOST_BARS = 10
"""A benchmark with more candidates has a line chart instead."""
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",  # the same picture for the same numbers, so that a diff shows a change
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(result: Result, folder: Path) -> list[str]:
    """Draw the charts of a result into `folder` and return their file names."""
    drawn = []
    with mpl.rc_context(_STYLE):
        if result.series:
            drawn.append(_save(_lines(result), folder, f"{_slug(result)}-growth"))
        quantity = _quantity(result)
        if quantity and 1 < len(result.candidates) <= _MOST_BARS:
            drawn.insert(0, _save(_bars(result, quantity), folder, _slug(result)))
    return drawn


def _quantity(result: Result) -> str:
    return next((name for name in _DRAWN if all(name in one.samples for one in result.candidates)), "")


def _bars(result: Result, quantity: str) -> Figure:
    """A bar for each candidate, or dots on a logarithmic scale if bars would hide the small values."""
    candidates = result.candidates
    unit = "" if quantity in SCALED else f" {UNITS[quantity]}"
    values = [candidate.median(quantity) for candidate in candidates]
    figure = Figure(figsize=(8, 0.9 + 0.36 * len(candidates)), layout="constrained")
    axes: Any = figure.add_subplot()
    places = range(len(candidates))
    wide = min(values) > 0 and max(values) / min(values) > _WIDE_RANGE
    colours = [COLOURS[candidate.kind] for candidate in candidates]
    if wide:
        axes.set_xscale("log")
        axes.hlines(places, min(values) / 2, values, color="#DDDDDD", linewidth=1)
        axes.scatter(values, places, color=colours, s=60, zorder=3)
        axes.set_xlim(min(values) / 2, max(values) * 6)
    else:
        axes.barh(places, values, color=colours, height=0.66)
        axes.set_xlim(0, max(values) * 1.22)
    for place, value in zip(places, values, strict=True):
        shown = amount(value, quantity).removesuffix(unit)
        axes.annotate(shown, (value, place), (7, 0), textcoords="offset points", va="center")
    axes.set_yticks(places, [candidate.name for candidate in candidates])
    for text, candidate in zip(axes.get_yticklabels(), candidates, strict=True):
        text.set_fontweight("bold" if candidate.kind == "ours" else "normal")
    axes.set_ylim(len(candidates) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value, quantity).removesuffix(unit)))
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    what = "time" if quantity == "seconds" else UNITS[quantity]
    scale = " on a logarithmic scale" if wide else ""
    more = "more is better" if quantity in ("tokens_per_s", "calls_per_s") else "less is better"
    axes.set_title(f"{result.title}: {what}{scale}, {more}", loc="left", fontsize=11)
    return figure


def _lines(result: Result) -> Figure:
    """A line for each series with its name at its end; scales are logarithmic if the numbers span decades."""
    figure = Figure(figsize=(8, max(3.4, 0.5 * len(result.series))), layout="constrained")
    axes: Any = figure.add_subplot()
    tops = [point[1] for one in result.series for point in one.points]
    if min(tops) > 0 and max(tops) / min(tops) > _WIDE_RANGE:
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, max(tops) * 1.15)
    if any(len(one.points) > 1 and one.points[-1][0] / one.points[0][0] > _WIDE_RANGE for one in result.series):
        axes.set_xscale("log")
    for one in result.series:
        xs, ys = zip(*one.points, strict=True)
        axes.plot(xs, ys, color=COLOURS[one.kind], marker=_marker(one), markersize=5, linewidth=2)
    for one, height in _apart(axes, result.series):
        axes.annotate(
            f"{one.name}: {amount(one.points[-1][1], one.quantity)}",
            (1.02, height),
            xycoords="axes fraction",
            va="center",
            color=COLOURS[one.kind] if one.kind == "ours" else "#333333",
            fontweight="bold" if one.kind == "ours" else "normal",
            annotation_clip=False,
        )
    first = result.series[0]
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value, first.quantity)))
    axes.set_xlabel(first.x)
    what = {"seconds": "Time", "bytes": "Memory"}.get(first.quantity, UNITS[first.quantity].capitalize())
    axes.set_title(f"{what}, as the number of {first.x} grows", loc="left", fontsize=11)
    return figure


def _apart(axes: Any, series: list[Series]) -> list[tuple[Series, float]]:
    """Heights for the names at the ends of the lines, as parts of the chart's height, so that none overlap."""
    low, high = axes.get_ylim()
    log = axes.get_yscale() == "log"

    def part(value: float) -> float:
        return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)

    placed: list[tuple[Series, float]] = []
    for one in sorted(series, key=lambda one: one.points[-1][1]):
        height = part(one.points[-1][1])
        placed.append((one, max(height, placed[-1][1] + _LINE) if placed else height))
    return placed


def _marker(one: Series) -> str:
    """Lines of the same colour have different markers."""
    return "s" if "asyncio" in one.name else "o"


def _slug(result: Result) -> str:
    return result.name.replace(" ", "-")


def _save(figure: Figure, folder: Path, name: str) -> str:
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, facecolor="white", bbox_inches="tight")
    return f"{name}.svg"

"""Pictures of a result as SVG: bars of ours beside the others, and lines for growth.

Blue is ours, orange the peers, grey the floor, a pair that people with any colour vision tell apart (Okabe and Ito);
every bar and line has its name and value beside it, so there is no legend to look up. Text stays text.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bench.results import UNITS

if TYPE_CHECKING:
    from pathlib import Path

    from bench.results import Curve, Entrant, Kind, Result

COLOURS: dict[Kind, str] = {"ours": "#0072B2", "peer": "#E69F00", "floor": "#8C8C8C"}
_DRAWN = ("tokens_per_s", "token_requests", "bytes_per_token", "seconds")
"""What a bar picture shows of a measure: the first of these that everybody has."""
_WIDE_RANGE = 40
_LINE = 0.075
"""Height of a line of text, as a part of a picture of curves."""
_MOST_BARS = 10
"""A measure with more entrants than that is one of growth, and its lines say it better."""
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",  # the same picture for the same numbers, so that a diff shows a change
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(result: Result, folder: Path) -> list[str]:
    """Draw what there is to see; the file names."""
    drawn = []
    with mpl.rc_context(_STYLE):
        if result.curves:
            drawn.append(_save(_lines(result), folder, f"{_slug(result)}-growth"))
        quantity = _quantity(result)
        if quantity and 1 < len(result.entrants) <= _MOST_BARS:
            drawn.insert(0, _save(_bars(result, quantity), folder, _slug(result)))
    return drawn


def _quantity(result: Result) -> str:
    return next((name for name in _DRAWN if all(name in one.samples for one in result.entrants)), "")


def _bars(result: Result, quantity: str) -> Figure:
    """A bar for each entrant; dots on a logarithmic scale where bars would hide the small ones."""
    from bench.page import SCALED, amount

    entrants = result.entrants
    unit = "" if quantity in SCALED else f" {UNITS[quantity]}"
    values = [entrant.median(quantity) for entrant in entrants]
    figure = Figure(figsize=(8, 0.9 + 0.36 * len(entrants)), layout="constrained")
    axes: Any = figure.add_subplot()
    places = range(len(entrants))
    wide = min(values) > 0 and max(values) / min(values) > _WIDE_RANGE
    colours = [COLOURS[entrant.kind] for entrant in entrants]
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
    axes.set_yticks(places, [_label(entrant) for entrant in entrants])
    for text, entrant in zip(axes.get_yticklabels(), entrants, strict=True):
        text.set_fontweight("bold" if entrant.kind == "ours" else "normal")
    axes.set_ylim(len(entrants) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value, quantity).removesuffix(unit)))
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    what = "time" if quantity == "seconds" else UNITS[quantity]
    scale = " on a logarithmic scale" if wide else ""
    more = "more is better" if quantity == "tokens_per_s" else "less is better"
    axes.set_title(f"{result.title}: {what}{scale}, {more}", loc="left", fontsize=11)
    return figure


def _lines(result: Result) -> Figure:
    """A line for each curve with its name at its end, both scales logarithmic where the numbers span decades."""
    from bench.page import amount

    figure = Figure(figsize=(8, max(3.4, 0.5 * len(result.curves))), layout="constrained")
    axes: Any = figure.add_subplot()
    tops = [point[1] for curve in result.curves for point in curve.points]
    if min(tops) > 0 and max(tops) / min(tops) > _WIDE_RANGE:
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, max(tops) * 1.15)
    if any(len(curve.points) > 1 and curve.points[-1][0] / curve.points[0][0] > _WIDE_RANGE for curve in result.curves):
        axes.set_xscale("log")
    for curve in result.curves:
        xs, ys = zip(*curve.points, strict=True)
        axes.plot(xs, ys, color=COLOURS[curve.kind], marker=_marker(curve), markersize=5, linewidth=2)
    for curve, height in _apart(axes, result.curves):
        axes.annotate(
            f"{curve.name}: {amount(curve.points[-1][1], curve.quantity)}",
            (1.02, height),
            xycoords="axes fraction",
            va="center",
            color=COLOURS[curve.kind] if curve.kind == "ours" else "#333333",
            fontweight="bold" if curve.kind == "ours" else "normal",
            annotation_clip=False,
        )
    first = result.curves[0]
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value, first.quantity)))
    axes.set_xlabel(first.x)
    what = {"seconds": "Time", "bytes": "Memory"}.get(first.quantity, UNITS[first.quantity].capitalize())
    axes.set_title(f"{what}, as the number of {first.x} grows", loc="left", fontsize=11)
    return figure


def _apart(axes: Any, curves: list[Curve]) -> list[tuple[Curve, float]]:
    """Heights for the names at the lines' ends, as parts of the picture's height, none of them on another."""
    low, high = axes.get_ylim()
    log = axes.get_yscale() == "log"

    def part(value: float) -> float:
        return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)

    placed: list[tuple[Curve, float]] = []
    for curve in sorted(curves, key=lambda one: one.points[-1][1]):
        height = part(curve.points[-1][1])
        placed.append((curve, max(height, placed[-1][1] + _LINE) if placed else height))
    return placed


def _marker(curve: Curve) -> str:
    """Shapes tell apart what shares a colour."""
    return "s" if "asyncio" in curve.name else "o"


def _label(entrant: Entrant) -> str:
    return entrant.name


def _slug(result: Result) -> str:
    return result.name.replace(" ", "-")


def _save(figure: Figure, folder: Path, name: str) -> str:
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, facecolor="white", bbox_inches="tight")
    return f"{name}.svg"

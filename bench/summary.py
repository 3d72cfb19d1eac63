"""docs/speed/summary.svg: how many times faster mstoken is than its peers, as one small picture.

The picture brings its own background and follows the reader's light or dark setting (Media Queries Level 5, section
12.5), so that its text is readable on any page. Its text stays text.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.units import digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results import Result, Verdict

_ROWS = (
    ("cached-token", "mstoken get graph", "az account get-access-token", "a cached token in the shell", "Azure CLI"),
    ("new-token", "mstoken get graph --fresh", "az account get-access-token", "a new token in the shell", "Azure CLI"),
    ("memory-hit", "mstoken, 1 entry", "MSAL, 1 entry", "a cached token in Python", "MSAL"),
    ("many-tenants", "mstoken, threads", "MSAL, one shared session", "2,000 tenants", "MSAL, one session"),
    ("many-tenants", "mstoken, threads", "MSAL as people write it", "2,000 tenants", "MSAL as people write it"),
)
"""Benchmark, ours, peer, and the two texts of the row."""
_WIDTH, _LEFT, _RIGHT, _TOP, _ROW = 720, 330, 70, 62, 34
_STYLE = """
.panel { fill: #ffffff; stroke: #d0d7de } .text { fill: #1f2328 } .muted { fill: #59636e } .bar { fill: #0072b2 }
text { font: 14px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }
.title { font-size: 16px; font-weight: 600 } .value { font-weight: 600 } .muted { font-size: 12px }
@media (prefers-color-scheme: dark) {
  .panel { fill: #0d1117; stroke: #3d444d } .text { fill: #f0f6fc } .muted { fill: #9198a1 } .bar { fill: #4cb0e8 }
}
"""


def draw(results: Sequence[Result]) -> str:
    """The SVG document; a benchmark that did not run has no row."""
    rows = [(what, peer, found) for *key, what, peer in _ROWS if (found := _ratio(results, *key)) is not None]
    height = _TOP + _ROW * len(rows) + 20
    longest = max((ratio for _, _, ratio in rows), default=1.0)
    size = f'width="{_WIDTH}" viewBox="0 0 {_WIDTH} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title">',
        f'<title id="title">{escape(_described(rows))}</title>',
        f"<style>{_STYLE}</style>",
        f'<rect class="panel" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="6"/>',
        '<text class="text title" x="20" y="30">How many times faster mstoken is</text>',
        '<text class="muted" x="20" y="49">medians of one run on one machine; longer is faster</text>',
    ]
    for number, (what, peer, ratio) in enumerate(rows):
        y = _TOP + _ROW * number
        length = (_WIDTH - _LEFT - _RIGHT) * ratio / longest
        lines += [
            (
                f'<text class="text" x="20" y="{y + 20}">{escape(what)} '
                f'<tspan class="muted">than {escape(peer)}</tspan></text>'
            ),
            f'<rect class="bar" x="{_LEFT}" y="{y + 6}" width="{length:.1f}" height="20" rx="3"/>',
            f'<text class="text value" x="{_LEFT + length + 8:.1f}" y="{y + 21}">{digits(ratio)} x</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _muted(text: str) -> str:
    return f'<tspan class="muted">{escape(text)}</tspan>'


def _ratio(results: Sequence[Result], name: str, ours: str, peer: str) -> float | None:
    """How many times faster we are by the benchmark's own verdict."""
    return next((one.number for one in _verdicts(results, name) if (one.ours, one.peer) == (ours, peer)), None)


def _verdicts(results: Sequence[Result], name: str) -> list[Verdict]:
    return [
        verdict
        for result in results
        if result.name == name
        for verdict in result.verdicts
        if verdict.judged == "ratio" and verdict.bound == "at least"
    ]


def _described(rows: Sequence[tuple[str, str, float]]) -> str:
    """The picture in words, for those who cannot see it."""
    return "mstoken is faster: " + "; ".join(f"{what}, {digits(ratio)} times {peer}" for what, peer, ratio in rows)

"""The small picture of the README: what it shows, and that it can be read on a light and on a dark page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from bench.results import Goal, Measured, Result

from bench import summary

SVG = "{http://www.w3.org/2000/svg}"


def results() -> list[Result]:
    """A cached token in the shell, 20 times faster than az."""
    result = Result("cached-token", "", "")
    result.candidates += [
        Measured("mstoken get graph", "ours", {"seconds": [1.0]}),
        Measured("az account get-access-token", "peer", {"seconds": [20.0]}),
    ]
    goal = Goal("", "seconds", "at least", 12)
    result.ratio(goal, "mstoken get graph", "az account get-access-token", inverse=True)
    return [result]


def test_it_shows_the_ratio_of_each_benchmark_that_ran() -> None:
    """In a bar with its number, and in the words for those who cannot see it."""
    drawn = ElementTree.fromstring(summary.draw(results()))  # noqa: S314 - our own picture
    assert [one.text for one in drawn.iter(f"{SVG}text") if one.get("class") == "text value"] == ["20 x"]
    assert drawn.findtext(f"{SVG}title") == "mstoken is faster: a cached token in the shell, 20 times Azure CLI"


@pytest.mark.parametrize("setting", ["light", "dark"])
@pytest.mark.parametrize(("kind", "least"), [("text", 7), ("muted", 4.5), ("bar", 3)])
def test_it_is_readable_in_both_settings(setting: str, kind: str, least: float) -> None:
    """Contrast with its own background as WCAG 2.2 asks of text (1.4.3, 1.4.6) and of graphics (1.4.11)."""
    light, dark = re.split(r"@media \(prefers-color-scheme: dark\)", summary.draw(results()))
    colours = dict(re.findall(r"\.(\w+) \{ fill: (#[0-9a-f]{6})", light if setting == "light" else dark))
    bright, dim = sorted((_luminance(colours[kind]), _luminance(colours["panel"])), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= least


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definitions)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

"""Numbers as the page and the pictures show them."""

from __future__ import annotations

from bench.results import UNITS

SCALED = frozenset({"seconds", "bytes"})
"""Quantities whose unit depends on the size of the number."""


def amount(value: float, quantity: str) -> str:
    """A number with its unit, in the size that people read best."""
    if quantity == "seconds":
        for factor, unit in ((1, "s"), (1e-3, "ms")):
            if value >= factor:
                return f"{digits(value / factor)} {unit}"
        return f"{digits(value / 1e-6)} µs"
    if quantity == "bytes":
        return f"{digits(value / 1e6)} MB"
    return f"{digits(value)} {UNITS[quantity]}"


def number(value: float, quantity: str) -> str:
    """The number, with its unit only where that depends on the size."""
    return amount(value, quantity) if quantity in SCALED else digits(value)


def digits(value: float) -> str:
    """Two or three significant digits, with a comma between thousands."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}"

"""What became of a tenant: `done`, or one of the outcomes in outcomes.toml, found by the error that was raised."""

from __future__ import annotations

from functools import cache

from mstoken.services.toml_subset import packaged, parse_tables
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from typing import Any

DONE = "done"
UNKNOWN = "unknown"
"""A request was sent that must not be sent twice, and the run ended before its response came."""


@value
class Outcome:
    """An outcome: its name, its title in words, the codes and exceptions that it stands for, and one remedy for all."""

    name: str
    title: str
    codes: tuple[str, ...]
    kinds: tuple[str, ...]
    remedy: str


@cache
def outcomes() -> dict[str, Outcome]:
    """Return the outcomes of failures by name; the first one that fits counts."""
    tables: dict[str, dict[str, Any]] = {**parse_tables(packaged(__spec__, "outcomes.toml"))}
    return {name: Outcome(name, **table) for name, table in tables.items()}


def outcome_of(error: Exception | None) -> str:
    """Return the name of the outcome: that of the error, `done` without one."""
    if error is None:
        return DONE
    codes = _codes(error)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    found = outcomes().values()
    by_code = (outcome.name for outcome in found if codes & set(outcome.codes))
    by_kind = (outcome.name for outcome in found if kinds & set(outcome.kinds))
    return next(by_code, "") or next(by_kind)


def _codes(error: Exception) -> set[str]:
    """Return the error's codes as text: Entra's, most specific first, or that of an API."""
    refusal = getattr(error, "refusal", None)
    listed = [*refusal.codes, refusal.error] if refusal is not None else []
    return {str(code) for code in (*listed, getattr(error, "code", "")) if code}

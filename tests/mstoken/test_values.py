"""Values behave as frozen dataclasses with slots do."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass as standard
from dataclasses import field as standard_field
from typing import Any

import pytest

from mstoken.values import as_dict, field, replace, value


@value
class Point:
    """Two numbers, a secret, a list of its own, and one that does not count."""

    x: int
    y: int = 2
    secret: str = field(default="", repr=False)
    tags: list[str] = field(default_factory=list)
    seen: int = field(default=0, compare=False)


@standard(frozen=True, slots=True)
class Standard:
    """The same, of the standard library."""

    x: int
    y: int = 2
    secret: str = standard_field(default="", repr=False)
    tags: list[str] = standard_field(default_factory=list)
    seen: int = standard_field(default=0, compare=False)


@value
class Positive:
    """A value that checks itself, and keeps something nobody passes."""

    number: int
    doubled: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError("not positive")


@value
class Named(Positive):
    """A value that extends another."""

    name: str = "nobody"


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, 5, "hush", ["a"]), {}),
    ((), {"x": 1, "seen": 9}),
    ((1,), {"y": 3, "secret": "hush"}),
]


@pytest.mark.parametrize(("args", "given"), CALLS)
def test_they_show_and_compare_as_the_standard_ones(args: tuple[Any, ...], given: dict[str, Any]) -> None:
    """Repr, equality and fields are those that a dataclass has."""
    ours, theirs = Point(*args, **given), Standard(*args, **given)
    assert repr(ours) == repr(theirs).replace("Standard", "Point")
    assert ours == Point(*args, **given)
    assert (ours == replace(ours, seen=77)) is True
    assert (ours == replace(ours, secret="other")) is False
    assert as_dict(ours) == {name: getattr(theirs, name) for name in ("x", "y", "secret", "tags", "seen")}
    assert "hush" not in repr(ours)


@pytest.mark.parametrize(("args", "given"), [((), {}), ((1, 2, "", [], 0, 6), {}), ((1,), {"x": 2}), ((1,), {"z": 2})])
def test_what_is_no_such_value_is_refused(args: tuple[Any, ...], given: dict[str, Any]) -> None:
    """Missing, too many, twice and unknown are a TypeError, as with a dataclass."""
    for kind in (Point, Standard):
        with pytest.raises(TypeError):
            kind(*args, **given)


def test_they_are_frozen() -> None:
    """Nothing of a value can be changed or added."""
    point: Any = Point(1)
    changes: list[Callable[[], object]] = [
        lambda: setattr(point, "x", 2),
        lambda: setattr(point, "new", 2),
        lambda: delattr(point, "x"),
    ]
    for change in changes:
        with pytest.raises(AttributeError):
            change()
    assert not hasattr(point, "__dict__")


def test_each_has_its_own_default_list() -> None:
    """A default made by a factory is not shared."""
    assert Point(1).tags is not Point(1).tags


def test_they_hash_match_copy_and_pickle() -> None:
    """A value is a key, a pattern, and survives a copy and a process pool."""
    named = Named(3, "ada")
    assert len({named, Named(3, "ada"), Named(4, "ada")}) == 2
    match named:
        case Named(number, name):
            assert (number, name) == (3, "ada")
    for twin in (copy.copy(named), copy.deepcopy(named), pickle.loads(pickle.dumps(named))):  # noqa: S301
        assert twin == named
    with pytest.raises(ValueError, match="not positive"):
        replace(named, number=0)

"""Values behave as frozen dataclasses with slots do."""

from __future__ import annotations

import copy
import pickle
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass as standard
from dataclasses import field as standard_field
from importlib import import_module
from typing import Any

import pytest

import mstoken
from mstoken import values
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


@pytest.fixture(autouse=True, params=["first", "many"])
def _constructor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The constructor that all share at first, and the one that a class of many values gets."""
    for kind in (Point, Positive, Named):
        made = values._compiled(kind) if request.param == "many" else values._init
        monkeypatch.setattr(kind, "__init__", made)


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


def test_a_class_of_many_values_gets_a_constructor_of_its_own() -> None:
    """From then on they are made the other way, and are what they were."""

    @value
    class Pair:
        left: int
        right: tuple[int, ...] = ()

    first = Pair(1, (2,))
    for _ in range(values.MANY):
        last = Pair(left=1, right=(2,))
    assert Pair.__init__ is not values._init
    assert first == last == Pair(1, right=(2,))
    assert Pair(3) == replace(last, left=3, right=())


def test_every_class_of_the_package_could_have_one() -> None:
    """The order of fields of each makes a signature."""
    seen = set()
    for module in pkgutil.walk_packages(mstoken.__path__, "mstoken."):
        if not module.name.endswith("__main__"):
            for kind in vars(import_module(module.name)).values():
                if isinstance(kind, type) and hasattr(kind, "__value_slots__"):
                    seen.add(kind)
                    values._compiled(kind)
    assert len(seen) > 50

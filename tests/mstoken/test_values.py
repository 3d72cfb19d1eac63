"""Values behave like frozen dataclasses with slots."""

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
    """A value with two numbers, a secret, a list, and a field that does not count in comparisons."""

    x: int
    y: int = 2
    secret: str = field(default="", repr=False)
    tags: list[str] = field(default_factory=list)
    seen: int = field(default=0, compare=False)


@standard(frozen=True, slots=True)
class Standard:
    """The same class as a standard dataclass."""

    x: int
    y: int = 2
    secret: str = standard_field(default="", repr=False)
    tags: list[str] = standard_field(default_factory=list)
    seen: int = standard_field(default=0, compare=False)


@value
class Positive:
    """A value that validates itself, and has a field that the constructor does not take."""

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
    """Run each test with the shared constructor, and with the compiled one of a class with many values."""
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
def test_repr_and_equality_are_those_of_a_dataclass(args: tuple[Any, ...], given: dict[str, Any]) -> None:
    """Repr, equality and fields match those of the dataclass."""
    ours, theirs = Point(*args, **given), Standard(*args, **given)
    assert repr(ours) == repr(theirs).replace("Standard", "Point")
    assert ours == Point(*args, **given)
    assert (ours == replace(ours, seen=77)) is True
    assert (ours == replace(ours, secret="other")) is False
    assert as_dict(ours) == {name: getattr(theirs, name) for name in ("x", "y", "secret", "tags", "seen")}
    assert "hush" not in repr(ours)


@pytest.mark.parametrize(("args", "given"), [((), {}), ((1, 2, "", [], 0, 6), {}), ((1,), {"x": 2}), ((1,), {"z": 2})])
def test_wrong_arguments_are_a_type_error(args: tuple[Any, ...], given: dict[str, Any]) -> None:
    """Missing, surplus, repeated and unknown arguments raise TypeError, as with a dataclass."""
    for kind in (Point, Standard):
        with pytest.raises(TypeError):
            kind(*args, **given)


def test_values_are_frozen() -> None:
    """Nothing can be changed on a value or added to it."""
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


def test_each_value_has_its_own_default_list() -> None:
    """Values do not share a default that a factory makes."""
    assert Point(1).tags is not Point(1).tags


def test_values_hash_match_copy_and_pickle() -> None:
    """A value can be a dict key and a pattern, and survives a copy and a process pool."""
    named = Named(3, "ada")
    assert len({named, Named(3, "ada"), Named(4, "ada")}) == 2
    match named:
        case Named(number, name):
            assert (number, name) == (3, "ada")
    for twin in (copy.copy(named), copy.deepcopy(named), pickle.loads(pickle.dumps(named))):  # noqa: S301
        assert twin == named
    with pytest.raises(ValueError, match="not positive"):
        replace(named, number=0)


def test_a_class_with_many_values_gets_a_compiled_constructor() -> None:
    """From then on the class has the compiled constructor, and equal values stay equal."""

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


def test_every_value_class_of_the_package_can_be_compiled() -> None:
    """The order of the fields of each class makes a valid signature."""
    seen = set()
    for module in pkgutil.walk_packages(mstoken.__path__, "mstoken."):
        if not module.name.endswith("__main__"):
            for kind in vars(import_module(module.name)).values():
                if isinstance(kind, type) and hasattr(kind, "__value_slots__"):
                    seen.add(kind)
                    values._compiled(kind)
    assert len(seen) > 50

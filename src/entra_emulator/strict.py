"""Values of the model refuse names that they do not have, whether a test gives them or sets them."""

from dataclasses import fields
from typing import Any, TypeVar

Kind = TypeVar("Kind")


class Strict:
    """A dataclass whose attributes are its fields and no others.

    :raises AttributeError: a name that is not a field is set; the message lists those that are.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in type(self).__dataclass_fields__:  # type: ignore[attr-defined]
            raise AttributeError(f"{type(self).__name__} has no '{name}'; it has {_names(type(self))}")
        object.__setattr__(self, name, value)


def make(kind: type[Kind], /, *args: Any, **given: Any) -> Kind:
    """A value of a class of the model.

    :raises TypeError: a name is not one of its fields; the message lists those that are.
    """
    for name in given:
        if name not in kind.__dataclass_fields__:  # type: ignore[attr-defined]
            raise TypeError(f"{kind.__name__} has no '{name}'; it has {_names(kind)}")
    return kind(*args, **given)


def _names(kind: Any) -> str:
    return ", ".join(sorted(one.name for one in fields(kind)))

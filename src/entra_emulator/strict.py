"""Values of the model that refuse unknown attribute names, both in the constructor and in assignments."""

from dataclasses import fields
from typing import Any, TypeVar

Kind = TypeVar("Kind")


class Strict:
    """A dataclass that has only its fields as attributes.

    :raises AttributeError: a name that is not a field is set; the message lists the fields.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in type(self).__dataclass_fields__:  # type: ignore[attr-defined]
            raise AttributeError(f"{type(self).__name__} has no '{name}'; it has {_names(type(self))}")
        object.__setattr__(self, name, value)


def make(kind: type[Kind], /, *args: Any, **values: Any) -> Kind:
    """Return a value of a class of the model.

    :raises TypeError: a name is not one of its fields; the message lists the fields.
    """
    for name in values:
        if name not in kind.__dataclass_fields__:  # type: ignore[attr-defined]
            raise TypeError(f"{kind.__name__} has no '{name}'; it has {_names(kind)}")
    return kind(*args, **values)


def _names(kind: Any) -> str:
    return ", ".join(sorted(field.name for field in fields(kind)))

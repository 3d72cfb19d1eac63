"""The names of `typing` that annotations need, without its import.

Annotations are not evaluated at run time (PEP 563), so these names only have to exist. Importing `typing` for them took
a third of Python's start-up time (docs/decisions/0011-one-request.md). Type checkers see `typing` itself.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, Literal, NoReturn, Protocol, TypeVar, assert_never, cast
else:

    class Any:
        """A placeholder that can be subscripted and inherited from."""

        __slots__ = ()

        def __class_getitem__(cls, _: object) -> type:
            return cls

    class Generic(Any):
        """A placeholder for a base class whose subclasses can be subscripted."""

        __slots__ = ()

    class Protocol(Any):
        """A placeholder for a base class."""

        __slots__ = ()

    Literal = NoReturn = Any

    def TypeVar(name: str, *_: object, **__: object) -> str:  # noqa: N802 - the name is typing's
        """Return the name: at run time a type variable has no meaning."""
        return name

    def assert_never(value: object) -> NoReturn:
        """Raise AssertionError: the case cannot occur."""
        raise AssertionError(f"{type(value).__name__} is not one of the expected cases")

    def cast(_: object, value: object) -> object:
        """Return the value."""
        return value


__all__ = ["TYPE_CHECKING", "Any", "Generic", "Literal", "NoReturn", "Protocol", "TypeVar", "assert_never", "cast"]

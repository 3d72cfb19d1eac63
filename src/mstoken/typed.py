"""What annotations need of `typing`, without importing it.

No annotation is evaluated here (PEP 563), so at run time these names only have to be there; importing `typing` for them
took a third of what Python takes to start (docs/decisions/0011-one-request.md). Type checkers see `typing` itself.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, Literal, NoReturn, Protocol, TypeVar, assert_never, cast
else:

    class Any:
        """Subscripted or inherited from, it stays what it is and does nothing."""

        __slots__ = ()

        def __class_getitem__(cls, _: object) -> type:
            return cls

    class Generic(Any):
        """As a base class; its subclasses can be subscripted too."""

        __slots__ = ()

    class Protocol(Any):
        """As a base class."""

        __slots__ = ()

    Literal = NoReturn = Any

    def TypeVar(name: str, *_: object, **__: object) -> str:  # noqa: N802 - the name is typing's
        """Nothing at run time; the name, to have something."""
        return name

    def assert_never(value: object) -> NoReturn:
        """For a case that cannot be."""
        raise AssertionError(f"{type(value).__name__} is none of those that can be here")

    def cast(_: object, value: object) -> object:
        """The value."""
        return value


__all__ = ["TYPE_CHECKING", "Any", "Generic", "Literal", "NoReturn", "Protocol", "TypeVar", "assert_never", "cast"]

"""Frozen values: the behaviour of `dataclass(frozen=True, slots=True)` without its start-up cost.

The standard module imports `inspect` and compiles source text for every class, which was most of the run time of
`mstoken get --fresh` (docs/decisions/0004-values.md). Here one constructor serves all classes. A class gets a compiled
constructor of its own once many values of it exist. To a type checker `value` is a dataclass (PEP 681).
"""

from __future__ import annotations

from mstoken.hidden import hidden

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, dataclass_transform

    T = TypeVar("T")
else:

    def dataclass_transform(**_: object) -> object:
        return lambda decorated: decorated


_MISSING = object()

MANY = 200
"""Values of a class after which it gets a compiled constructor: compiling takes about as long as making so many values.
"""
_made: dict[type, int] = {}


class _Field:
    """How one field is filled, shown and compared."""

    __slots__ = ("compare", "default", "factory", "init", "repr", "secret")

    def __init__(
        self,
        default: Any,
        factory: Any,
        *,
        init: bool = True,
        repr: bool = True,  # noqa: A002
        compare: bool = True,
        secret: bool = False,
    ) -> None:
        self.default, self.factory = default, factory
        self.init, self.repr, self.compare, self.secret = init, repr and not secret, compare, secret


_REQUIRED = _Field(_MISSING, _MISSING)
_OF_THE_FIRST = frozenset({"__dict__", "__weakref__"})
"""What a class has that is made anew for the class with slots."""


def field(
    *,
    default: Any = _MISSING,
    default_factory: Any = _MISSING,
    init: bool = True,
    repr: bool = True,  # noqa: A002 - the names are those of dataclasses.field
    compare: bool = True,
    secret: bool = False,
) -> Any:
    """Declare a field with a default, or one that is left out of the repr, of comparison or of the constructor.

    A `secret` one is left out of the repr, and its text, bytes or dictionary is stored as one that hides itself.
    """
    return _Field(default, default_factory, init=init, repr=repr, compare=compare, secret=secret)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Make `cls` a frozen value with slots. Its constructor takes the annotated fields, in order or by name.

    It calls `__post_init__` at the end, if the class has one. Methods of the class itself are kept.
    """
    fields: dict[str, _Field] = {}
    for base in reversed(cls.__mro__[1:]):
        fields |= getattr(base, "__value_fields__", {})
    members = vars(cls)
    own = {name: _own_field(members.get(name, _MISSING)) for name in members.get("__annotations__", ())}
    fields |= own
    taken = {name: spec for name, spec in fields.items() if spec.init}
    space = {
        **_METHODS,
        **{name: made for name, made in members.items() if name not in own and name not in _OF_THE_FIRST},
        "__slots__": tuple(own),
        "__value_fields__": fields,
        "__match_args__": tuple(taken),
        "__signature__": _SIGNATURE,
        "__qualname__": cls.__qualname__,
    }
    space["__hash__"] = members.get("__hash__") or _hash
    meta: Any = type(cls)
    made: Any = meta(cls.__name__, cls.__bases__, space)
    # The slot's own descriptor can write although the value is frozen; only this file uses it. Constructor fields come
    # first.
    ordered = fields if len(taken) == len(fields) else {**taken, **fields}
    made.__value_slots__ = tuple([(name, getattr(made, name).__set__, spec) for name, spec in ordered.items()])
    made.__value_finish__ = getattr(made, "__post_init__", None)
    made.__value_secrets__ = frozenset([name for name, spec in fields.items() if spec.secret])
    done: type[T] = made
    return done


class _Signature:
    """The constructor's signature for `help` and `inspect`, made when one of them asks: importing inspect is slow."""

    def __get__(self, made: object, kind: Any) -> Any:
        import inspect

        notes: dict[str, str] = {}
        for base in reversed(kind.__mro__):
            notes |= vars(base).get("__annotations__", {})
        empty = inspect.Parameter.empty
        parameters = [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=spec.default if spec.default is not _MISSING else empty if spec.factory is _MISSING else ...,
                annotation=notes.get(name, empty),
            )
            for name, spec in kind.__value_fields__.items()
            if spec.init
        ]
        return inspect.Signature(sorted(parameters, key=lambda parameter: parameter.default is not empty))


_SIGNATURE = _Signature()


def replace(original: T, **changes: Any) -> T:
    """Return a copy of a value with some fields changed."""
    kind: Any = type(original)
    changes = _hide(kind, changes)
    copied: T = kind.__new__(kind)
    for name, put, spec in kind.__value_slots__:
        if spec.init:
            put(copied, changes.pop(name) if name in changes else getattr(original, name))
        else:
            put(copied, _default(kind, name, spec))
    if changes:
        raise _not_taken(copied, (), changes)
    if kind.__value_finish__ is not None:
        kind.__value_finish__(copied)
    return copied


def as_dict(original: Any) -> dict[str, Any]:
    """Return a value's fields by name, for JSON; values nested in it, in its sequences and in its mappings become dicts
    too.
    """
    return {name: _plain(getattr(original, name)) for name in original.__value_fields__}


def _plain(part: Any) -> Any:
    if hasattr(part, "__value_fields__"):
        return as_dict(part)
    if isinstance(part, list | tuple):
        return [_plain(item) for item in part]
    if isinstance(part, dict):
        return {name: _plain(item) for name, item in part.items()}
    return part


def _own_field(assigned: Any) -> _Field:
    """The field of an annotation whose value in the class is `assigned`."""
    if assigned is _MISSING:
        return _REQUIRED
    return assigned if isinstance(assigned, _Field) else _Field(assigned, _MISSING)


def _init(self: Any, *args: Any, **keywords: Any) -> None:
    kind, slots = type(self), self.__value_slots__
    if kind.__value_secrets__:
        named = _hide(kind, dict(zip(self.__match_args__, args, strict=False)))
        args, keywords = (*named.values(), *args[len(named) :]), _hide(kind, keywords)
    _made[kind] = made = _made.get(kind, 0) + 1
    if made == MANY:
        kind.__init__ = _compiled(kind)
    for (_, put, _), part in zip(slots, args, strict=False):
        put(self, part)
    for name, put, spec in slots[len(args) :]:
        put(self, keywords.pop(name) if spec.init and name in keywords else _default(kind, name, spec))
    if keywords or len(args) > len(self.__match_args__):
        raise _not_taken(self, args, keywords)
    if self.__value_finish__ is not None:
        self.__value_finish__()


def _compiled(kind: Any) -> Callable[..., None]:
    """Compile a constructor for `kind` that does the same as `_init`."""
    names: dict[str, Any] = {"_MISSING": _MISSING, "_hidden": hidden}
    taken, body = ["self"], list[str]()
    for number, (name, put, spec) in enumerate(kind.__value_slots__):
        names |= {f"_put{number}": put, f"_default{number}": spec.default, f"_make{number}": spec.factory}
        part = name
        if spec.secret and spec.init:
            body.insert(0, f"    {name} = _hidden({name})")
        if spec.factory is not _MISSING:
            made_part = f"_hidden(_make{number}())" if spec.secret else f"_make{number}()"
            part = f"{made_part} if {name} is _MISSING else {name}" if spec.init else made_part
        elif not spec.init:
            part = f"_default{number}"
        if spec.init:
            default = f"_default{number}" if spec.default is not _MISSING else "_MISSING"
            needed = spec.default is _MISSING and spec.factory is _MISSING
            taken.append(name if needed else f"{name}={default}")
        body.append(f"    _put{number}(self, {part})")
    if kind.__value_finish__ is not None:
        body.append("    self.__post_init__()")
    exec(f"def __init__({', '.join(taken)}):\n" + "\n".join(body), names)  # noqa: S102 - of names in our own source
    compiled: Callable[..., None] = names["__init__"]
    return compiled


def _not_taken(self: Any, args: tuple[Any, ...], unknown: dict[str, Any]) -> TypeError:
    if len(args) > len(self.__match_args__):
        return TypeError(f"{type(self).__name__} takes {len(self.__match_args__)} values, not {len(args)}")
    names = ", ".join(sorted(unknown))
    return TypeError(f"{type(self).__name__} has no field {names}, or received it twice")


def _default(kind: type, name: str, spec: _Field) -> Any:
    if spec.default is not _MISSING:
        return spec.default
    if spec.factory is _MISSING:
        raise TypeError(f"{kind.__name__} needs {name!r}")
    return hidden(spec.factory()) if spec.secret else spec.factory()


def _hide(kind: Any, keywords: dict[str, Any]) -> dict[str, Any]:
    """The same fields, those that are secret as text, bytes and dictionaries that hide themselves."""
    secrets = kind.__value_secrets__
    return {name: hidden(part) if name in secrets else part for name, part in keywords.items()} if secrets else keywords


def _repr(self: Any) -> str:
    """Never fails: tracebacks with local variables show values that are half made, and parts of other people's."""
    shown = (f"{name}={_shown(self, name)}" for name, spec in self.__value_fields__.items() if spec.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _shown(self: Any, name: str) -> str:
    try:
        return repr(getattr(self, name))
    except Exception as error:  # noqa: BLE001 - a path or function of the caller's may raise anything
        return "…" if isinstance(error, AttributeError) else f"<{type(error).__name__} in repr>"


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name, spec in self.__value_fields__.items() if spec.compare)


def _eq(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _frozen(self: Any, name: str, *_: object) -> None:
    raise AttributeError(f"{type(self).__name__} is frozen: {name!r} cannot be changed; make a copy with replace()")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, name) for name, _, _ in self.__value_slots__]


def _setstate(self: Any, state: list[Any]) -> None:
    for (_, put, _), part in zip(self.__value_slots__, state, strict=True):
        put(self, part)


_METHODS = {
    "__init__": _init,
    "__replace__": replace,
    "__repr__": _repr,
    "__eq__": _eq,
    "__setattr__": _frozen,
    "__delattr__": _frozen,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}

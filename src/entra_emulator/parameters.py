"""The parameters of a request, and which of them an endpoint reads: data/parameters.toml lists them all.

Entra compares parameter names in any letter case and ignores names that it does not know; values are taken byte for
byte (RFC 6749 appendix B).
"""

import functools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from entra_emulator.aadsts import EntraError


@dataclass(frozen=True)
class Endpoint:
    """The parameters that an endpoint knows: those in `read` have an effect, those in `ignored` have none."""

    name: str
    read: frozenset[str]
    ignored: frozenset[str]


class UndeclaredParameter(Exception):
    """The emulator's code reads a parameter that data/parameters.toml does not list: a bug of the emulator."""


@functools.cache
def endpoints() -> dict[str, Endpoint]:
    """Return every endpoint by name. All of them ignore the parameters by which client libraries name themselves."""
    text = resources.files("entra_emulator").joinpath("data/parameters.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    telemetry = table.pop("telemetry")["ignored"]
    return {
        name: Endpoint(name, frozenset(lists["read"]), frozenset([*lists.get("ignored", ()), *telemetry]))
        for name, lists in table.items()
    }


class Parameters(Mapping[str, str]):
    """The parameters of one request, by name in lower case.

    :raises UndeclaredParameter: the code reads a name that the endpoint does not list under `read`.
    """

    def __init__(self, endpoint: str, values: Mapping[str, str] | None = None) -> None:
        self.endpoint = endpoints()[endpoint]
        self._values = dict(values or {})

    @classmethod
    def of(cls, endpoint: str, pairs: Iterable[tuple[str, str]]) -> "Parameters":
        """The parameters of a query or a form.

        :raises EntraError: 9000411 for a parameter that occurs twice, in any letter case.
        """
        values: dict[str, str] = {}
        for name, value in pairs:
            lower = name.lower()
            if lower in values:
                raise EntraError(9000411, parameter=name)
            values[lower] = value
        return cls(endpoint, values)

    def __getitem__(self, name: str) -> str:
        self._check(name)
        return self._values[name]

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # always text
        """Return a parameter's value; `default` if it is absent."""
        self._check(name)
        return self._values.get(name, default)

    def __contains__(self, name: object) -> bool:
        self._check(str(name))
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def required(self, name: str) -> str:
        """Return a parameter's value.

        :raises EntraError: 900144 if the parameter is missing, empty or blank.
        """
        value = self.get(name)
        if not value or value.isspace():
            raise EntraError(900144, parameter=name)
        return value

    def replaced(self, **values: str | None) -> "Parameters":
        """Return a copy with the given values; None removes a parameter."""
        merged = {**self._values, **values}
        return Parameters(self.endpoint.name, {name: value for name, value in merged.items() if value is not None})

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names that the endpoint does not know."""
        known = self.endpoint.read | self.endpoint.ignored
        return tuple(name for name in self._values if name not in known)

    def _check(self, name: str) -> None:
        if name not in self.endpoint.read:
            raise UndeclaredParameter(f"{name} at {self.endpoint.name}")

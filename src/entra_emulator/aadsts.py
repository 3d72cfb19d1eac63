"""Entra's refusals: one exception, described in data/errors.toml by AADSTS code."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class Definition:
    """One AADSTS code: OAuth `error`, HTTP `status`, `text` with placeholders, and whether to send `error_uri`."""

    error: str
    status: int
    uri: bool
    text: str
    suberror: str | None = None


@functools.cache
def definitions() -> dict[int, Definition]:
    """Return the definitions of all codes that the emulator knows."""
    table = tomllib.loads(resources.files(__package__).joinpath("data/errors.toml").read_text(encoding="utf-8"))
    return {int(code): Definition(**fields) for code, fields in table.items()}


_UNKNOWN = Definition("invalid_request", 400, uri=True, text="The emulator was told to refuse with this code.")


class _Open(dict[str, str]):
    """Values for a text's placeholders; a missing value shows the placeholder's name."""

    def __missing__(self, name: str) -> str:
        return f"({name})"


class EntraError(Exception):
    """A refusal. `names` fill the placeholders of the code's text.

    :param claims: JSON text that the client must send with its next authorization request.
    :param as_error: the OAuth error, if the flow uses a different one for this code.
    :param suberror: the suberror, if this cause of the code has one.
    """

    def __init__(
        self,
        code: int,
        *,
        claims: str | None = None,
        as_error: str | None = None,
        suberror: str | None = None,
        **names: str,
    ) -> None:
        self.code = code
        self.definition = definitions()[code]
        self.message = f"AADSTS{code}: {self.definition.text.format(**names)}"
        self.claims = claims
        self.as_error = as_error
        self.suberror = suberror or self.definition.suberror
        super().__init__(self.message)

    @classmethod
    def ordered(cls, code: int, *, claims: str | None, as_error: str | None, names: Mapping[str, str]) -> "EntraError":
        """Return an injected refusal with any code. A placeholder without a value stays in the text."""
        problem = cls.__new__(cls)
        problem.code, problem.claims, problem.as_error = code, claims, as_error
        problem.definition = definitions().get(code, _UNKNOWN)
        problem.suberror = problem.definition.suberror
        problem.message = f"AADSTS{code}: {problem.definition.text.format_map(_Open(names))}"
        Exception.__init__(problem, problem.message)
        return problem

    def body(self, facts: dict[str, str], *, separator: str, error: str | None = None) -> dict[str, object]:
        """Return the JSON response, with keys in Entra's order.

        :param facts: `trace_id`, `correlation_id`, `timestamp` and `authority` of this request.
        :param separator: the text before `Trace ID:`, `Correlation ID:` and `Timestamp:`; a space since 2024, CR LF
            before.
        :param error: replaces the OAuth error if an endpoint uses its own (discovery returns `invalid_tenant`).
        """
        tail = separator.join(
            [
                self.message,
                f"Trace ID: {facts['trace_id']}",
                f"Correlation ID: {facts['correlation_id']}",
                f"Timestamp: {facts['timestamp']}",
            ]
        )
        body: dict[str, object] = {
            "error": error or self.as_error or self.definition.error,
            "error_description": tail,
            "error_codes": [self.code],
            "timestamp": facts["timestamp"],
            "trace_id": facts["trace_id"],
            "correlation_id": facts["correlation_id"],
        }
        if self.definition.uri:
            body["error_uri"] = f"{facts['authority']}/error?code={self.code}"
        if self.suberror:
            body["suberror"] = self.suberror
        if self.claims:
            body["claims"] = self.claims
        return body

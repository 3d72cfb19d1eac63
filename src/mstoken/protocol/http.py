"""HTTP as values: what to send, what came back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ANSWER = 1024 * 1024
"""No answer of a token endpoint is larger, in bytes; what is, is not one."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to send. Body and headers may carry secrets and stay out of the repr."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    max_answer: int = MAX_ANSWER


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back. Header names are lower case; the body may carry tokens and stays out of the repr."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

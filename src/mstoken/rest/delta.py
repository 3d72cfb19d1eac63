"""Changes of a collection since the last run (delta query): what is stored between runs, and when to start over.

A round ends with a delta link, where the next one begins (learn.microsoft.com/graph/delta-query-overview). A link lives
for days: then Graph answers 410, or an error with the code syncStateNotFound, and everything has to be read again.
"""

from __future__ import annotations

import json

from mstoken.errors import UsageError
from mstoken.rest.api_errors import parse_api_error
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from mstoken.rest.response import ApiResponse

LINK = "@odata.deltaLink"
_GONE = 410
_CODES = frozenset({"syncstatenotfound", "resyncrequired"})


@value
class DeltaState:
    """Where the next run begins, and what for: the URL of the first request, and the tenant.

    The link contains no secret; whoever has it still needs a token. It is as private as the names in the changes.
    """

    resource: str
    tenant: str
    link: str = field(default="", repr=False)

    def encode(self) -> bytes:
        """Return the content of the file."""
        return (json.dumps({"resource": self.resource, "tenant": self.tenant, "link": self.link}) + "\n").encode()

    def continued(self, content: bytes | None, name: str) -> DeltaState:
        """Return this state with the link of a file's content, None for no file yet.

        Raises UsageError for a file that is something else, or for another resource or tenant; `name` is its name.
        """
        if content is None:
            return self
        found = _parse(content)
        if found is None:
            raise UsageError(
                f"{name!r} is not a file of a delta query; it is left as it is.", "Name another file, or delete it."
            )
        for what, stored, wanted in (
            ("resource", found.resource, self.resource),
            ("tenant", found.tenant, self.tenant),
        ):
            if stored.lower() != wanted.lower():
                raise UsageError(
                    f"{name!r} is for another {what}: {stored.partition('?')[0]}; it is left as it is.",
                    "Use one file for each URL, with its parameters, and tenant; or delete it to start over.",
                )
        return found


def must_start_over(response: ApiResponse) -> bool:
    """Return whether the response says that the link has expired."""
    return response.status == _GONE or (
        400 <= response.status < 500 and parse_api_error(response.body)[0].lower() in _CODES
    )


def _parse(content: bytes) -> DeltaState | None:
    try:
        found: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None
    names = ("resource", "tenant", "link")
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) and found[name] for name in names):
        return None
    return DeltaState(found["resource"], found["tenant"], found["link"])

"""A client secret: the simplest way an application proves itself."""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.values import field, value


@value
class ClientSecret:
    """An application's secret: alone it gives app-only tokens (client credentials, RFC 6749 section 4.4)."""

    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.secret:
            raise UsageError("The client secret is empty.", "Set AZURE_CLIENT_SECRET, or give ClientSecret a value.")

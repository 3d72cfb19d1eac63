"""An API's response, with the methods that its counterparts in requests and httpx have."""

from __future__ import annotations

from mstoken.protocol.http import HttpResponse
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.errors import MstokenError


class Headers(dict):  # type: ignore[type-arg] # of texts
    """Response headers by name, in any letter case (RFC 9110 section 5.1)."""

    __slots__ = ()

    def __getitem__(self, name: str) -> str:
        found: str = super().__getitem__(name.lower())
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value, or `default` if there is no such header."""
        return super().get(name.lower(), default)


@value
class ApiResponse(HttpResponse):
    """The response of `Client.request`: `status`, `headers` in any letter case, and `body` as bytes.

    `request_line` is the request in words, and `context` completes the commands of an error's remedy. `attempts` is how
    often the request was sent. `method` and `url` are the request's. `token_claims` are the claims, not verified, of a
    token refused with 401 or 403.
    """

    request_line: str = ""
    context: Mapping[str, str] = field(default_factory=dict, repr=False)
    attempts: int = 1
    method: str = ""
    url: str = field(default="", repr=False)
    token_claims: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """True if the status is below 400."""
        return self.status < 400

    @property
    def text(self) -> str:
        """The body as text: in the charset of Content-Type, else UTF-8. Undecodable bytes become U+FFFD."""
        from mstoken.texts import decode_text

        charset = _charset(self.headers.get("content-type", ""))
        try:
            return decode_text(self.body, "replace") if charset == "utf-8" else self.body.decode(charset, "replace")
        except LookupError:  # a charset that Python does not know
            return decode_text(self.body, "replace")

    def json(self) -> Any:
        """Return the body, parsed as JSON. Raises UnreadableAnswer if it is not JSON; the error does not quote it."""
        import json

        try:
            return json.loads(self.body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            from mstoken.errors import UnreadableAnswer

            kind = self.headers.get("content-type", "") or "no Content-Type"
            raise UnreadableAnswer(
                f"{self.request_line or 'The API'} returned {self.status} with a body that is not JSON ({kind}).",
                "Look at its .text, or at .body for the bytes.",
            ) from None

    def raise_for_status(self) -> ApiResponse:
        """Return the response if its status is below 400; else raise what the API's error means, with a remedy.

        That is Throttled for 429 and ServiceUnavailable for 408 and 5xx, both with `retry_in`; SignInRequired if the
        API says that a person must sign in; ApiRefused for everything else.
        """
        if self.ok:
            return self
        raise self.error()

    def error(self) -> MstokenError:
        """Return what `raise_for_status` raises for a status of 400 or more."""
        from mstoken.rest.api_errors import api_error

        return api_error(self, self.request_line, self.context, self.attempts, self.token_claims)


def _charset(content_type: str) -> str:
    _, _, rest = content_type.lower().partition("charset=")
    return rest.partition(";")[0].strip().strip('"') or "utf-8"

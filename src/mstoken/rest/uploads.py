"""Upload sessions: when a file needs one, how it begins, and what the responses to its parts say.

Sources: learn.microsoft.com/graph/api/driveitem-createuploadsession, .../api/resources/uploadsession and
.../outlook-large-attachments. The facts are in uploads.toml.
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from mstoken.errors import UnreadableAnswer
from mstoken.rest.facts import facts
from mstoken.rest.redirects import resolved
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.urls import origin_of
from mstoken.values import field, value

if TYPE_CHECKING:
    from mstoken.rest.response import ApiResponse

_CONFLICT = "@microsoft.graph.conflictBehavior"
_SESSION = "createuploadsession"
_RANGE = re.compile(r"(\d{1,18})(?:-(\d{0,18}))?")


@value
class UploadPlan:
    """How a session begins: POST `body` (None for the caller's own) to `url`. `part`: the bytes of a part."""

    url: str
    body: Any
    part: int


@value
class UploadSession:
    """A session that began. Whoever has its `url` may write the file: it is a secret.

    `size` and `modified_on` (nanoseconds) are those of the file. `with_token`: the session wants the token, which only
    one at the API's own origin gets. `last_sent`: the last part was sent.
    """

    url: str = field(secret=True)
    size: int
    modified_on: int
    with_token: bool = False
    last_sent: bool = False

    def encode(self) -> bytes:
        """Return the session for a later run."""
        return json.dumps([self.url, self.size, self.modified_on, self.with_token, self.last_sent]).encode()


def decoded_session(content: bytes) -> UploadSession | None:
    """Return the session that `encode` wrote; None for anything else."""
    try:
        url, size, modified_on, with_token, last_sent = json.loads(content)
        return UploadSession(str(url), int(size), int(modified_on), bool(with_token), bool(last_sent))
    except (ValueError, TypeError, RecursionError):
        return None


def upload_plan(method: str, url: str, service: str, name: str, size: int) -> UploadPlan | None:
    """Return how the session begins in which a file is uploaded; None if it is the body of one request.

    That is a POST to `createUploadSession`, and the PUT of a large file of a drive, which its session replaces too.
    """
    parts, drive = urlsplit(url), facts("uploads")["drive"]
    path, last = parts.path, parts.path.rpartition("/")[2].lower()
    of_drive = re.search(r"/drives?/", path, re.IGNORECASE) is not None
    if method == "POST" and last.rpartition(".")[2] == _SESSION:
        part = drive["part"] if of_drive else facts("uploads")["other"]["part"]
        return UploadPlan(url, _attachment(path, name, size), int(part))
    if method != "PUT" or service != "graph" or not of_drive or last != drive["from"] or size <= int(drive["simple"]):
        return None
    query = parse_qsl(parts.query, keep_blank_values=True)
    conflict = next((text for name, text in query if unquote(name) == _CONFLICT), "replace")
    rest = urlencode([pair for pair in query if unquote(pair[0]) != _CONFLICT])
    path = path[: -len(drive["from"])] + drive["to"]
    return UploadPlan(
        urlunsplit(parts._replace(path=path, query=rest)), {"item": {_CONFLICT: conflict}}, int(drive["part"])
    )


def _attachment(path: str, name: str, size: int) -> dict[str, Any]:
    """Return the body that begins the session of an attachment; an empty one for anything else."""
    for kind in ("todo", "mail"):
        fact = facts("uploads")[f"attachment.{kind}"]
        if fact["path"] in path.lower():
            return {fact["member"]: {"attachmentType": "file", "name": name, "size": size}}
    return {}


def session_of(response: ApiResponse, size: int, modified_on: int) -> UploadSession:
    """Return the session that the response began. Raises UnreadableAnswer, and UntrustedOrigin for a URL in clear."""
    document = response.json()
    url = document.get("uploadUrl") if isinstance(document, dict) else None
    if not isinstance(url, str) or not url:
        raise UnreadableAnswer("The response names no uploadUrl.", "Check that the URL creates an upload session.")
    return UploadSession(resolved(response.url, url)[0], size, modified_on)


def next_offset(response: ApiResponse) -> int | None:
    """Return where the next part begins; None if the response names no range.

    `nextExpectedRanges` may lack later ranges, and their ends are no sizes to send: only the first start counts.
    Outlook names one number.
    """
    try:
        document = json.loads(response.body or b"null")
    except (ValueError, RecursionError):
        return None
    named = document.get("nextExpectedRanges") if isinstance(document, dict) else None
    ranges = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    starts = [int(found[1]) for text in ranges if (found := _RANGE.fullmatch(str(text).strip()))]
    return min(starts) if starts else None


def is_own(session: UploadSession, api_url: str) -> bool:
    """Return whether the session is at the API's origin, which alone may get the token."""
    return origin_of(session.url, "The URL") == origin_of(api_url, "The URL")

"""Fetch the public data sets of permissions and roles, and store them in the folder of the configuration."""

from __future__ import annotations

import json
from pathlib import Path

from mstoken.config.profile_writing import replace_file
from mstoken.errors import UsageError
from mstoken.hidden import ENVIRON
from mstoken.permissions.sources import MAX_FILE, Fetched
from mstoken.protocol.http import HttpRequest
from mstoken.rest.api_errors import api_error
from mstoken.rest.permission_table import stored_file
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.urls import check_url, origin_of, redacted_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.permissions.sources import Source
    from mstoken.runtimes.blocking import Transport

_TIMEOUT_IN = 120.0
"""Seconds for one file."""


def fetch(source: Source, transport: Transport, folder: str = "") -> Fetched:
    """Return the files of the data set, from its own address or from `folder`: a URL or a folder of this machine.

    No token is sent. Raises UsageError for another address than https (http to loopback) and for a file that cannot be
    read, TransportError, UnreadableAnswer for a file over MAX_FILE, and what a status other than 200 means.
    """
    base = folder or source.folder
    if "://" not in base:
        contents = {name: _read(Path(base).expanduser() / name) for name in source.files}
        return Fetched(source, {name: str(Path(base).expanduser() / name) for name in source.files}, contents)
    check_url(base, "The address")
    origin_of(base, "The address")
    base = base if base.endswith("/") else f"{base}/"
    addresses = {name: base + name for name in source.files}
    return Fetched(source, addresses, {name: _get(url, transport) for name, url in addresses.items()})


def stored(source: Source, environ: Mapping[str, str] = ENVIRON) -> dict[str, Any]:
    """Return the stored document of the data set; an empty one if there is none, or if it cannot be read."""
    try:
        document = json.loads(stored_file(source.stored_as, environ).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def is_stored(fetched: Fetched, environ: Mapping[str, str] = ENVIRON) -> bool:
    """Return whether the stored document was made of the same bytes."""
    origin = stored(fetched.source, environ).get("source")
    return isinstance(origin, dict) and origin.get("sha256") == fetched.checksums()


def store(source: Source, document: Mapping[str, Any], environ: Mapping[str, str] = ENVIRON) -> Path:
    """Store the document, and return where. Raises StoreError if it cannot be written."""
    path = stored_file(source.stored_as, environ)
    replace_file(str(path), json.dumps(document, separators=(",", ":")) + "\n", environ)
    return path


def _get(url: str, transport: Transport) -> bytes:
    request = HttpRequest("GET", url, {"Accept-Encoding": "gzip"}, max_response_bytes=MAX_FILE, timeout_in=_TIMEOUT_IN)
    response = transport.send(request)
    if response.status != 200:
        raise api_error(response, f"GET {redacted_url(url)}", {})
    return response.body


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Give the folder that has the file.") from None

"""JSON-RPC messages as the bridge sees them: whose turn it is, and the headers that HTTP needs of them.

Sources: jsonrpc.org/specification; modelcontextprotocol.io/specification, Transports (2025-06-18 and 2026-07-28).
"""

from __future__ import annotations

import base64
import json
import re

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    Id = str | int | float

PARSE_ERROR = -32700
FAILED = -32000
"""The first of the codes that JSON-RPC leaves to servers."""
VERSION_OF_REQUEST = "io.modelcontextprotocol/protocolVersion"
"""In `_meta` of each message since 2026-07-28, which has no sessions; earlier versions have an initialize request."""
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PLAIN = re.compile(r"[\x20-\x7e]*")
_ENCODED = re.compile(r"=\?base64\?.*\?=")


@value
class Message:
    """A message of the client, with its bytes on one line. `ids` are those of its requests, more than one in a batch.

    `method` is '' for a response and for a batch. `version` is the protocol's if the message itself names it.
    """

    line: bytes = field(repr=False)
    method: str = ""
    ids: tuple[Id, ...] = ()
    version: str = ""
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers by which servers and gateways route a message since 2026-07-28."""
        if not self.version:
            return {}
        headers = {"MCP-Protocol-Version": self.version, "Mcp-Method": _header(self.method)}
        name = self.params.get(_NAMED_BY.get(self.method, ""))
        return {**headers, "Mcp-Name": _header(name)} if isinstance(name, str) else headers


def parse(line: bytes) -> Message:
    """Return the message in a line. Raises UsageError, which does not repeat it."""
    found, parts = _json_rpc(line)
    if not parts:
        raise UsageError("A line of the client is not a JSON-RPC message.", "Let an MCP client start this command.")
    ids = tuple(part["id"] for part in parts if "method" in part and _is_id(part.get("id")))
    if isinstance(found, list):
        return Message(line, ids=ids)
    params = found.get("params")
    params = params if isinstance(params, dict) else {}
    meta = params.get("_meta")
    version = meta.get(VERSION_OF_REQUEST) if isinstance(meta, dict) else ""
    method = found.get("method")
    return Message(
        line, method if isinstance(method, str) else "", ids, version if isinstance(version, str) else "", params
    )


def answered(text: bytes | str) -> tuple[bytes, tuple[Id, ...], dict[str, Any]] | None:
    """Return what a server sends: as one line, the IDs that it answers, and the result of a single response.

    None for what is not JSON-RPC. A line break in JSON is never a part of a string, so a blank can take its place.
    """
    found, parts = _json_rpc(text)
    if not parts:
        return None
    line = (text.encode() if isinstance(text, str) else text).replace(b"\r", b" ").replace(b"\n", b" ")
    ids = tuple(part["id"] for part in parts if "method" not in part and _is_id(part.get("id")))
    result = found.get("result") if isinstance(found, dict) else None
    return line.strip(), ids, result if isinstance(result, dict) else {}


def _json_rpc(text: bytes | str) -> tuple[Any, list[dict[str, Any]]]:
    """Return what the JSON is and its messages, one or those of a batch; none if it is not JSON-RPC."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None, []
    parts = found if isinstance(found, list) else [found]
    valid = all(isinstance(part, dict) and part.get("jsonrpc") == "2.0" for part in parts)
    return found, parts if valid else []


def failure(of: Id | None, message: str, code: int = FAILED, data: Mapping[str, Any] | None = None) -> bytes:
    """Return the error response to the request `of`."""
    error = {"code": code, "message": message, **({"data": data} if data else {})}
    return json.dumps({"jsonrpc": "2.0", "id": of, "error": error}).encode()


def _is_id(found: object) -> bool:
    return isinstance(found, str | int | float) and not isinstance(found, bool)


def _header(text: str) -> str:
    """Return the text as these headers have it: in Base64 if it is more than printable ASCII."""
    if _PLAIN.fullmatch(text) and text == text.strip() and not _ENCODED.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="

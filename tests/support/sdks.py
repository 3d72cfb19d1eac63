"""SDKs in a virtual environment of their own, and a local server that answers for their services."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

from filelock import FileLock
from tests.support.token_service import RecordedRequest, Reply, TokenService

from entra_emulator.network.certificates import shared_authority
from entra_emulator.resources import find_registered
from mstoken import UsageError
from mstoken.protocol.jwt import decode

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / "requirements" / "sdks.txt"
HOME = ROOT / ".make" / "sdk-venv"
PYTHON = HOME / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
_INSTALLED = HOME / "installed.txt"
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(PINS))


def install() -> str:
    """Install what requirements/sdks.txt pins, once for these pins. Return why that failed; '' if it did not."""
    HOME.parent.mkdir(exist_ok=True)
    pins = hashlib.sha256(PINS.read_bytes()).hexdigest()
    with FileLock(HOME.parent / "sdk-venv.lock"):
        if _INSTALLED.exists() and _INSTALLED.read_text() == pins:
            return ""
        for command in ([sys.executable, "-m", "venv", str(HOME)], [str(PYTHON), *_PIP]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                return f"the SDKs could not be installed: {done.stderr.strip()[-200:]}"
        _INSTALLED.write_text(pins)
    return ""


_CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}
_CHAT = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt",
    "choices": [_CHOICE],
    "usage": {"completion_tokens": 1, "prompt_tokens": 1, "total_tokens": 2},
}
_BLOBS = (
    '<?xml version="1.0"?><EnumerationResults ContainerName="container"><Blobs><Blob><Name>a.txt</Name><Properties>'
    "<Content-Length>1</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob></Blobs><NextMarker/>"
    "</EnumerationResults>"
)
_CONNECTION = {
    "name": "shared",
    "id": "1",
    "type": "AzureOpenAI",
    "target": "https://example.com",
    "isDefault": True,
    "credentials": {"type": "None"},
    "metadata": {},
}
_ACCOUNT = {
    "id": "account",
    "writableLocations": [],
    "readableLocations": [],
    "enableMultipleWriteLocations": False,
    "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
}
_QUEUE = (
    '<entry xmlns="http://www.w3.org/2005/Atom"><title>orders</title><content type="application/xml">'
    '<QueueDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"/></content></entry>'
)
_FRAMES = [
    {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"},
    {
        "FrameType": "DataTable",
        "TableId": 1,
        "TableKind": "PrimaryResult",
        "TableName": "PrimaryResult",
        "Columns": [{"ColumnName": "print_0", "ColumnType": "int"}],
        "Rows": [[1]],
    },
    {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False},
]
_JSON, _XML, _TEXT = ({"Content-Type": kind} for kind in ("application/json", "application/xml", "text/plain"))
_MODIFIED = {"ETag": '"1"', "Last-Modified": "Mon, 30 Nov 2026 07:00:00 GMT"}

_COGNITIVE = "https://cognitiveservices.azure.com"
_STORAGE = "https://storage.azure.com"
ANSWERS: tuple[tuple[str, str, Reply], ...] = (
    ("/chat/completions", _COGNITIVE, Reply(200, _CHAT, _JSON)),
    ("comp=list", _STORAGE, Reply(200, _BLOBS, _XML)),
    ("restype=container", _STORAGE, Reply(200, "", _MODIFIED)),
    ("/connections", "https://ai.azure.com", Reply(200, {"value": [_CONNECTION]}, _JSON)),
    ("/orders(", "https://cosmos.azure.com", Reply(200, {"PartitionKey": "1", "RowKey": "2", "name": "first"}, _JSON)),
    ("/kv/", "https://azconfig.io", Reply(200, {"key": "color", "value": "red"}, _JSON)),
    ("$count", "https://search.azure.com", Reply(200, "5", _TEXT)),
    ("/dataCollectionRules/", "https://monitor.azure.com", Reply(204, "")),
    ("/dbs", "https://cosmos.azure.com", Reply(200, {"Databases": [{"id": "db"}], "_count": 1}, _JSON)),
    ("/orders?", "https://servicebus.azure.net", Reply(200, _QUEUE, _XML)),
    ("/rest/query", "https://kusto.kusto.windows.net", Reply(200, _FRAMES, _JSON)),
)
"""Part of a path -> the resource that the token has to be for, and the service's answer."""
_COSMOS_ACCOUNT = ("/", "https://cosmos.azure.com", Reply(200, _ACCOUNT, _JSON))


class SdkServices(TokenService):
    """The services of the SDKs; each answers only a request with a token for its resource, else with 401.

    `url` is https and has the emulator's certificate. `answered` are the resources for which it has answered.
    """

    def __init__(self) -> None:
        super().__init__(shared_authority().server_context)
        self.answered: list[str] = []
        self.script = [self._reply]

    @property
    def url(self) -> str:
        return super().url.replace("127.0.0.1", "localhost")

    def _reply(self, request: RecordedRequest) -> Reply:
        path = unquote(request.path)
        found = next((answer for answer in ANSWERS if answer[0] in path), _COSMOS_ACCOUNT if path == "/" else None)
        if found is None:  # Kusto's metadata, which an SDK requests without a token, is optional
            return Reply(404, {})
        _, resource, reply = found
        headers = {name.lower(): value for name, value in request.headers.items()}
        token = unquote(headers.get("authorization", "")).removeprefix("Bearer ").removeprefix("type=aad&ver=1.0&sig=")
        try:
            audience = str(decode(token).claims["aud"])
        except UsageError:
            return Reply(401, {})
        known = find_registered(resource, "public")
        if audience.rstrip("/") not in {resource, known.app_id if known else ""}:
            return Reply(401, {"audience": audience})
        self.answered.append(resource)
        return reply

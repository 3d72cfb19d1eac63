"""A package feed that answers as Azure Artifacts does, and the service that issues session tokens to its users."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from tests.support.named_hosts import NamedHosts, sent_token
from tests.support.token_service import RecordedRequest, Reply

from entra_emulator import Emulator

HOST, ISSUER = "pkgs.dev.azure.com", "vssps.dev.azure.com"
FEED = f"https://{HOST}/contoso/_packaging/feed/pypi"
SIMPLE, UPLOAD = f"{FEED}/simple/", f"{FEED}/upload/"
_WHEEL = "demo-1.0-py3-none-any.whl"


def wheel(name: str = "demo") -> bytes:
    """Return a wheel with one module."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "VALUE = 1\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text)}\n"
        for path, text in files.items()
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return content.getvalue()


class FeedServer(NamedHosts):
    """The feed takes an application's token, or a session token that it issued to a user; as a password.

    `exchanges` are the bodies of the requests for session tokens; `uploads` the names of published files. Without
    `issuing`, no session token is issued.
    """

    def __init__(self, entra: Emulator, folder: Path) -> None:
        super().__init__(entra, folder, "499b84ac-1321-427f-aa17-267ca6975798", HOST, ISSUER)
        self.tenant = entra.state.default_tenant.id
        self.issuer = f"https://{ISSUER}/contoso/"
        self.issuing = True
        self.exchanges: list[dict[str, Any]] = []
        self.uploads: list[str] = []
        self._sessions: dict[str, dict[str, Any]] = {}

    def accepted_claims(self, token: str) -> dict[str, Any] | None:
        """Return the claims behind a session token too."""
        return self._sessions.get(token) or super().accepted_claims(token)

    def refused(self, request: RecordedRequest) -> Reply:  # noqa: ARG002 - the same whatever it was
        """401 as a feed gives it."""
        challenges = {
            "WWW-Authenticate": f"Bearer authorization_uri=https://login.microsoftonline.com/{self.tenant}",
            "www-authenticate": 'Basic realm="https://pkgs.dev.azure.com/"',
            "Www-Authenticate": "TFS-Federated",
        }
        return Reply(401, "", {**challenges, "X-VSS-AuthorizationEndpoint": self.issuer})

    def answer(self, request: RecordedRequest) -> Reply:
        """Serve the index and the file, take an upload, or exchange a user's token."""
        scheme, token = sent_token(request)
        path = request.path.partition("?")[0]
        if path == "/contoso/_apis/Token/SessionTokens":
            return self._exchange(scheme, token, request)
        if scheme != "Basic" or ("scp" in self.accepted[-1][1] and token not in self._sessions and self.issuing):
            return Reply(401, "a feed takes no such token")
        if path.endswith("/upload/"):
            self.uploads.append(request.body.partition(b'filename="')[2].partition(b'"')[0].decode())
            return Reply(200, "")
        if path.endswith("/simple/demo/"):
            digest = hashlib.sha256(wheel()).hexdigest()
            page = (
                f'<!DOCTYPE html><html><body><a href="../../files/{_WHEEL}#sha256={digest}">{_WHEEL}</a></body></html>'
            )
            return Reply(200, page, {"Content-Type": "text/html"})
        if path.endswith(_WHEEL):
            return Reply(200, wheel(), {"Content-Type": "application/zip"})
        return Reply(404, "")

    def _exchange(self, scheme: str, token: str, request: RecordedRequest) -> Reply:
        if scheme != "Bearer" or request.method != "POST" or not self.issuing:
            return Reply(403, {})
        self.exchanges.append(json.loads(request.body))
        issued = f"session-{len(self._sessions)}-{hashlib.sha256(token.encode()).hexdigest()}"
        self._sessions[issued] = self.accepted[-1][1]
        return Reply(200, {"token": issued, "scope": self.exchanges[-1]["scope"]}, {"Content-Type": "application/json"})

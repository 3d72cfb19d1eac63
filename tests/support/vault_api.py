"""Key Vault's secrets as far as they are used, answered by the scripted server: versions, tags, soft delete, pages.

Source: learn.microsoft.com/rest/api/keyvault/secrets.
"""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.token_service import RecordedRequest, Reply, TokenService

TOKEN = "eyJ0.for-the-vault"
PAGE = 3


class VaultApi:
    """Answers for one vault; what it wants as a resource can be changed, and what it does next."""

    def __init__(self, service: TokenService, resource: str = "") -> None:
        self.service, self.url = service, service.url
        self.resource = resource or service.url
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.deleted: dict[str, list[dict[str, Any]]] = {}
        self.next: list[Reply] = []
        self.unproved: list[bytes] = []
        service.script = [self.answer]

    def answer(self, request: RecordedRequest) -> Reply:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.unproved.append(request.body)
            said = f'Bearer authorization="https://login.windows.net/contoso", resource="{self.resource}"'
            return Reply(401, {"error": {"code": "Unauthorized"}}, {"WWW-Authenticate": said})
        if self.next:
            return self.next.pop(0)
        url = urlsplit(request.path)
        assert parse_qs(url.query)["api-version"] == ["7.4"]
        kind, *rest = url.path.strip("/").split("/")
        if kind == "deletedsecrets":
            self.versions[rest[0]] = self.deleted.pop(rest[0])
            return Reply(200, {})
        return self._list(url.query) if not rest else self._one(request, rest[0])

    def _list(self, query: str) -> Reply:
        names = sorted(self.versions)
        start = int(parse_qs(query).get("from", ["0"])[0])
        shown = [{"id": f"{self.url}/secrets/{name}", "tags": self.versions[name][-1]["tags"]} for name in names]
        more = start + PAGE < len(names)
        link = f"{self.url}/secrets?api-version=7.4&from={start + PAGE}" if more else None
        return Reply(200, {"value": shown[start : start + PAGE], "nextLink": link})

    def _one(self, request: RecordedRequest, name: str) -> Reply:
        kept = self.versions.get(name)
        if request.method == "PUT":
            if name in self.deleted:
                return Reply(
                    409, {"error": {"code": "Conflict", "innererror": {"code": "ObjectIsDeletedButRecoverable"}}}
                )
            made = json.loads(request.body)
            version = {**made, "id": f"{self.url}/secrets/{name}/{secrets.token_hex(16)}"}
            self.versions.setdefault(name, []).append(version)
            return Reply(200, version)
        if kept is None:
            return Reply(404, {"error": {"code": "SecretNotFound"}})
        if request.method == "DELETE":
            self.deleted[name] = self.versions.pop(name)
        return Reply(200, kept[-1])

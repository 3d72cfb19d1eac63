"""An AKS cluster's API server as far as a client's first request: it validates the token, then tells its version."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from joserfc.errors import JoseError
from tests.support.token_service import RecordedRequest, Reply, TokenService
from tests.support.verifying import verified

from entra_emulator import Emulator
from entra_emulator.network.certificates import shared_authority

SERVER_APP = "6dae42f8-4368-4678-94ff-3960e28e3630"  # "Azure Kubernetes Service AAD Server", in every tenant
VERSION = "v1.36.2"
_EXEC_API = "client.authentication.k8s.io/v1beta1"


class Cluster(TokenService):
    """Answers a request whose token is signed by the tenant and is for AKS; else 401. `callers` are their claims."""

    def __init__(self, entra: Emulator) -> None:
        super().__init__(shared_authority().server_context)
        self._entra = entra
        self.callers: list[dict[str, Any]] = []
        self.script = [self._reply]

    @property
    def url(self) -> str:
        return super().url.replace("127.0.0.1", "localhost")

    def _reply(self, request: RecordedRequest) -> Reply:
        claims = self._claims(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if claims.get("aud") != SERVER_APP:
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401}
            return Reply(401, {**status, "message": "Unauthorized"})
        self.callers.append(claims)
        return Reply(200, {"major": "1", "minor": "36", "gitVersion": VERSION, "platform": "linux/amd64"})

    def _claims(self, token: str) -> dict[str, Any]:
        entra = self._entra
        keys = httpx.get(
            f"{entra.authority}/{entra.state.default_tenant.id}/discovery/keys",
            verify=entra.ssl_context,
            trust_env=False,
        )
        try:
            return verified(token, keys.json())
        except (JoseError, ValueError):
            return {}

    def kubeconfig(self, folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> Path:
        """Write a kubeconfig whose user's token comes from an exec plugin; JSON is YAML."""
        authority = base64.b64encode(self._entra.ca_file.read_bytes()).decode()
        plugin = {
            "apiVersion": _EXEC_API,
            "command": command[0],
            "args": list(command[1:]),
            "env": [{"name": name, "value": value} for name, value in environment.items()],
            "interactiveMode": "Never",
        }
        cluster = {"server": self.url, "certificate-authority-data": authority}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "aks", "cluster": cluster}],
            "users": [{"name": "me", "user": {"exec": plugin}}],
            "contexts": [{"name": "aks", "context": {"cluster": "aks", "user": "me"}}],
            "current-context": "aks",
        }
        path = folder / "kubeconfig"
        path.write_text(json.dumps(config), encoding="utf-8")
        return path

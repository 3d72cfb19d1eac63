"""A Git server that answers as Azure Repos does: Git's own http-backend, behind a check of the token."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.named_hosts import NamedHosts
from tests.support.token_service import RecordedRequest, Reply

from entra_emulator import Emulator

ORGANIZATION = "contoso"
PATH = f"/{ORGANIZATION}/project/_git/repo"
URL = f"https://dev.azure.com{PATH}"


class GitServer(NamedHosts):
    """`https://dev.azure.com/contoso/project/_git/repo`. Its 401 names `tenant`, as Azure Repos does."""

    def __init__(self, entra: Emulator, folder: Path) -> None:
        super().__init__(
            entra, folder, "499b84ac-1321-427f-aa17-267ca6975798", "dev.azure.com", "contoso.visualstudio.com"
        )
        self.tenant = entra.state.default_tenant.id
        self.repository = folder / "repositories" / f"{PATH[1:]}"
        self.repository.mkdir(parents=True)
        for command in (
            ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(self.repository)],
            ["git", "-C", str(self.repository), "config", "http.receivepack", "true"],
        ):
            subprocess.run(command, check=True)

    def refused(self, request: RecordedRequest) -> Reply:  # noqa: ARG002 - the same whatever it was
        """401 as Git's smart HTTP gets it: a header for each scheme, Bearer first."""
        where = f"https://login.microsoftonline.com/{self.tenant}"
        # A dict has each name once; HTTP compares names without letter case.
        challenges = {
            "WWW-Authenticate": f"Bearer authorization_uri={where}",
            "www-authenticate": 'Basic realm="https://dev.azure.com/"',
            "Www-Authenticate": "TFS-Federated",
        }
        return Reply(401, "", challenges | {"X-VSS-ResourceTenant": self.tenant})

    def answer(self, request: RecordedRequest) -> Reply:
        """Have `git http-backend` answer (git-scm.com/docs/git-http-backend)."""
        path, _, query = request.path.partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self._folder / "repositories"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(request.body)),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "GIT_PROTOCOL": headers.get("git-protocol", ""),
            "REMOTE_USER": "token",
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"], input=request.body, env=environment, capture_output=True, check=True
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(fields.pop("Status", "200 OK").split(" ")[0])
        return Reply(status, body, fields)

"""The Azure CLI as a peer: installed on demand in a virtual environment of its own, signed in at the local service."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from filelock import FileLock

from bench.parameters import CLIENT_ID, ROOT, SECRET, TENANT
from bench.processes import output_of
from bench.results import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOME = ROOT / ".make" / "az"
_CACHE = "msal_token_cache.json"
_ENVIRONMENT = dict(os.environ)  # as it is before a test points it at an emulator, where no package index answers


class Az:
    """`az`, signed in as a service principal at the service at `url`; its configuration folder is `folder`."""

    def __init__(self, folder: Path, env: Mapping[str, str], url: str, arm_url: str = "") -> None:
        self.command = str(HOME / "bin" / "az")
        self._config = folder
        self.env = {
            **env,
            "AZURE_CONFIG_DIR": str(self._config),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",  # Microsoft does not list the local service
            "AZURE_CORE_ENCRYPT_TOKEN_CACHE": "false",
        }
        self.version = ""
        self._url, self._arm_url = url, arm_url or url

    def sign_in(self, client_id: str = CLIENT_ID, secret: str = SECRET, tenant: str = TENANT) -> None:
        """Register the local service as a cloud of az and sign in there. Raises Unavailable."""
        self.register_cloud()
        # In one argument, since a secret may begin with a hyphen.
        principal = ["--username", client_id, f"--password={secret}", "--tenant", tenant]
        output_of([self.command, "login", "--service-principal", *principal, "--allow-no-subscriptions"], self.env)
        query = ["--query", '"azure-cli"', "--output", "tsv"]
        self.version = output_of([self.command, "version", *query], self.env).strip()

    def register_cloud(self) -> None:
        """Register the local service as a cloud of az, and select it. Raises Unavailable."""
        options = ["--name", "bench", "--skip-endpoint-discovery"]
        for endpoint, value in {
            "active-directory": self._url,
            "resource-manager": self._arm_url,
            "active-directory-resource-id": "https://management.core.windows.net/",
            "active-directory-graph-resource-id": "https://graph.windows.net/",
            "microsoft-graph-resource-id": "https://graph.microsoft.com/",
            "management": "https://management.core.windows.net/",
        }.items():
            options += [f"--endpoint-{endpoint}", value]
        output_of([self.command, "cloud", "register", *options], self.env)
        output_of([self.command, "cloud", "set", "--name", "bench"], self.env)

    def get_token(self) -> list[str]:
        """The command that prints a token for Microsoft Graph, from the cache if there is one in it."""
        return [self.command, "account", "get-access-token", "--resource", "https://graph.microsoft.com"]

    def clear_tokens(self) -> None:
        """Empty the cache of tokens; az keeps its other caches, to its advantage."""
        (self._config / _CACHE).unlink(missing_ok=True)


def install() -> None:
    """Install azure-cli if it is missing. Raises Unavailable."""
    HOME.parent.mkdir(exist_ok=True)
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "azure-cli"]
    with FileLock(HOME.with_suffix(".lock")):
        if (HOME / "bin" / "az").exists():
            return
        for command in ([sys.executable, "-m", "venv", str(HOME)], [str(HOME / "bin" / "python"), *pip]):
            done = subprocess.run(command, env=_ENVIRONMENT, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Unavailable(f"azure-cli could not be installed: {done.stderr.strip()[-200:]}")

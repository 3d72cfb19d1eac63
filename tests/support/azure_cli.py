"""The real Azure CLI, installed once for all tests and signed in to the emulator."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from bench.az import HOME, Az, install
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator

_CODE = re.compile(r"open the page (https://\S+) and enter the code (\S+)")


class RealAz(Az):
    """`az` with a configuration folder of its own; the emulator is its cloud.

    `by_name`: the cloud is az's own AzureCloud, which the proxy redirects to the emulator.
    """

    by_name = False

    def __init__(self, folder: Path, entra: Emulator) -> None:
        install()
        self.entra, self.folder = entra, folder
        super().__init__(folder, {**os.environ, **entra.environment()}, entra.authority, entra.api("arm"))

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment for a program that runs this az."""
        settings = {name: value for name, value in self.env.items() if name.startswith(("AZURE_CORE_", "AZURE_CONFIG"))}
        return {**settings, "PATH": f"{HOME / 'bin'}:{os.environ['PATH']}"}

    def register_cloud(self) -> None:
        """Select the cloud; register it first if it is not az's own. Raises Unavailable."""
        if self.by_name:
            self.env["AZURE_CORE_INSTANCE_DISCOVERY"] = "true"
        else:
            super().register_cloud()

    def sign_in_as_application(self) -> None:
        """`az login --service-principal`."""
        app, tenant = self.entra.state.default_app, self.entra.state.default_tenant
        self.sign_in(app.id, app.secrets[0].value, tenant.id)

    def sign_in_as_user(self, person: ScriptedUser) -> None:
        """`az login --use-device-code`, with the code entered by `person`."""
        self.register_cloud()
        options = ["--use-device-code", "--tenant", self.entra.state.default_tenant.id, "--allow-no-subscriptions"]
        login = subprocess.Popen(
            [self.command, "login", *options],
            env={**self.env, "AZURE_CORE_LOGIN_EXPERIENCE_V2": "false"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert login.stderr is not None
        said = ""
        for line in login.stderr:
            said += line
            if found := _CODE.search(line):
                person.enter_code(*found.groups())
        assert login.wait(60) == 0, said
        login.stderr.close()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run az. Return the process with its output as text."""
        return subprocess.run(
            [self.command, *arguments], env=self.env, capture_output=True, text=True, check=False, timeout=60
        )

"""Helpers for the tests of each language's clients: an emulator, a running program, and its input."""

from __future__ import annotations

import copy
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.certificates import Identity
from tests.support.conversation import ClientProgram
from tests.support.scripted_user import ScriptedUser, use_emulator_environment

from entra_emulator import Emulator
from entra_emulator.model import Certificate
from mstoken.protocol.jwt import decode

MICROSOFT = "https://login.microsoftonline.com"
COMMAND_LINE = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
NADIA = "nadia@northwind-partner.example"
OTTO = "otto@northwind-partner.example"
Settings = Callable[[Emulator], dict[str, str]]


class LanguageClient:
    """A program of one language beside its emulator; `by_url` is how it reaches it in this test."""

    def __init__(self, entra: Emulator, program: ClientProgram) -> None:
        self.entra, self._program = entra, program
        self.by_url = False

    @property
    def authority(self) -> str:
        """Microsoft's own host, which the proxy serves, or the emulator's URL."""
        return self.entra.authority if self.by_url else MICROSOFT

    @property
    def issuer(self) -> str:
        """Of v2.0 tokens of the default tenant."""
        return f"{self.authority}/{self.entra.state.default_tenant.id}/v2.0"

    def run(self, flow: str, **given: Any) -> dict[str, Any]:
        """Run a flow, by default as the default application. A token in the outcome is replaced by its claims."""
        app = self.entra.state.default_app
        who = {"authority": self.authority, "tenant": self.entra.state.default_tenant.id, "client": app.id}
        outcome = self._program.run(flow, **{**who, **given})
        for name in ("token", "silent"):
            if name in outcome:
                outcome[name] = decode(outcome[name]).claims
        return outcome

    def callers_token(self) -> str:
        """Nadia's token for the Orders API."""
        return orders_token(self.entra, self.authority)

    @property
    def secret(self) -> str:
        """The default application's."""
        return self.entra.state.default_app.secrets[0].value

    def trust_certificate(self, made: Identity) -> None:
        """The default application can authenticate with this certificate from now on."""
        self.entra.state.default_app.certificates = [Certificate(made.certificate_pem().decode())]


def orders_token(entra: Emulator, authority: str, scope: str = "api://northwind-orders/Orders.Read") -> str:
    """Nadia's token for the Orders API from this authority, as the web application sends it there."""
    app, tenant = entra.state.default_app, entra.state.default_tenant
    form = {
        "client_id": app.id,
        "client_secret": app.secrets[0].value,
        "grant_type": "refresh_token",
        "refresh_token": entra.sign_in(NADIA),
        "scope": scope,
    }
    trust = ssl.create_default_context(cafile=entra.ca_file)
    with httpx.Client(verify=trust, trust_env=False, proxy=entra.proxy if authority == MICROSOFT else None) as web:
        answer = web.post(f"{authority}/{tenant.id}/oauth2/v2.0/token", data=form)
    entra.requests.clear()
    return str(answer.json()["access_token"])


@contextmanager
def running(command: Sequence[str], folder: Path, more: Settings | None = None) -> Iterator[LanguageClient]:
    """A fresh emulator, and a program in its environment; `more` are variables that only its language needs."""
    with Emulator() as entra, pytest.MonkeyPatch.context() as patch:
        use_emulator_environment(entra, patch)
        for name, value in (more(entra) if more else {}).items():
            patch.setenv(name, value)
        _publish_keys(entra)
        person = ScriptedUser(entra, NADIA)
        program = ClientProgram(command, person, folder)
        yield LanguageClient(entra, program)
        program.close()
        person.close()


def _publish_keys(entra: Emulator) -> None:
    """Make the keys that a process publishes. Nimbus waits half a second for them, too short on a busy machine."""
    answer = httpx.get(f"{entra.authority}/common/discovery/v2.0/keys", verify=entra.ssl_context, trust_env=False)
    assert answer.status_code == 200


@contextmanager
def restored(client: LanguageClient, request: pytest.FixtureRequest) -> Iterator[LanguageClient]:
    """One test's use of a client that several tests share, by name or by URL as the fixture's parameter says.

    The emulator's state is afterwards as it was.
    """
    client.by_url = getattr(request, "param", "by name") == "by URL"
    state = client.entra.state
    before = copy.deepcopy(vars(state))
    yield client
    vars(state).update(before)
    client.entra.requests.clear()

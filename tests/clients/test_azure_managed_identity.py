"""azure-identity's own ManagedIdentityCredential, sync and async, against the emulator's machines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import azure.identity
import azure.identity.aio
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from tests.support.managed_identities import SOURCES

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Machine, Source
from mstoken.protocol.jwt import decode

ARM = "https://management.azure.com/.default"
CHOOSING: tuple[Source, ...] = ("imds", "app_service", "azure_arc")


@pytest.fixture
def machine(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine; both libraries' one folder of Azure Arc's keys is its own, as only root may write to the real one."""
    with entra.machine() as made:
        monkeypatch.setattr("azure.identity._credentials.azure_arc._get_key_file_path", lambda: str(made.keys))
        monkeypatch.setattr("msal.managed_identity._supported_arc_platforms_and_their_prefixes", {"linux": made.keys})
        yield made


Ask = Callable[..., Any]


def _sync(**options: Any) -> Any:
    with azure.identity.ManagedIdentityCredential(**options) as credential:
        return credential.get_token(ARM)


def _aio(**options: Any) -> Any:
    async def ask() -> Any:
        async with azure.identity.aio.ManagedIdentityCredential(**options) as credential:
            return await credential.get_token(ARM)

    return asyncio.run(ask())


@pytest.fixture(params=[_sync, _aio], ids=["sync", "aio"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """A token for Resource Manager by a new credential."""
    made: Ask = request.param
    return made


def put(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_a_token(
    ask: Ask, machine: Machine, monkeypatch: pytest.MonkeyPatch, source: Source
) -> None:
    """By the environment of the machine and nothing else."""
    put(monkeypatch, machine.environment(source))
    claims = decode(ask().token).claims
    assert claims["aud"].startswith("https://management.azure.com")
    assert ("upn" in claims) == (source == "cloud_shell")


@pytest.mark.parametrize("source", CHOOSING)
@pytest.mark.parametrize("kind", ["client_id", "object_id", "resource_id"])
def test_user_assigned_identities_are_selected(
    ask: Ask, machine: Machine, monkeypatch: pytest.MonkeyPatch, source: Source, kind: str
) -> None:
    """By its own names of the parameters; its async half sends the name it is given as it is."""
    put(monkeypatch, machine.environment(source))
    identity = machine.identities.users[0]
    name = {"imds": "msi_res_id", "app_service": "mi_res_id"}.get(source, kind) if kind == "resource_id" else kind
    token = ask(identity_config={name if ask is _aio else kind: getattr(identity, kind)})
    assert decode(token.token).claims["xms_mirid"] == identity.resource_id


@pytest.mark.parametrize("source", CHOOSING)
def test_an_unassigned_identity_is_recognized(
    ask: Ask, machine: Machine, monkeypatch: pytest.MonkeyPatch, source: Source
) -> None:
    """The refusal is one of its own exceptions."""
    put(monkeypatch, machine.environment(source))
    with pytest.raises(ClientAuthenticationError):
        ask(client_id="11111111-2222-3333-4444-555555555555")


def test_a_machine_without_identity_is_unavailable(ask: Ask, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMDS's 400 and Docker Desktop's 403 are no failures to it, but the absence of an identity."""
    put(monkeypatch, machine.environment("imds"))
    machine.identities.system, machine.identities.users[:] = None, []
    with pytest.raises(CredentialUnavailableError):
        ask()
    machine.trouble = [403]
    with pytest.raises(CredentialUnavailableError):
        ask()


def test_a_wrong_service_fabric_certificate_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thumbprint that the machine gives is the one it shows. Only the sync half looks at it."""
    put(monkeypatch, machine.environment("service_fabric") | {"IDENTITY_SERVER_THUMBPRINT": "ab" * 20})
    with pytest.raises(Exception, match=r"(?i)thumbprint|certificate"):
        _sync()
    assert machine.requests == []


def test_an_arc_agent_that_ignores_the_identity_is_detected(
    ask: Ask, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure Arc's older agents do not echo whose token they give."""
    put(monkeypatch, machine.environment("azure_arc"))
    machine.with_old_agent()
    with pytest.raises(ClientAuthenticationError):
        ask(client_id=machine.identities.users[0].client_id)

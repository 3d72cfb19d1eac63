"""Clients of the emulator's machines."""

from __future__ import annotations

from typing import Any

from tests.support.runners import Runner

from entra_emulator.managed_identity.machine import Machine, Source
from mstoken import ManagedIdentity

SOURCES: tuple[Source, ...] = ("imds", "app_service", "azure_arc", "azure_ml", "cloud_shell", "service_fabric")


def managed_identity_client(runner: Runner, machine: Machine, source: Source, **which: str) -> Any:
    """Return a client on the machine, for the identity that `which` names by client_id, object_id or resource_id."""
    return runner.client("", "", ManagedIdentity(environment=machine.environment(source), **which))

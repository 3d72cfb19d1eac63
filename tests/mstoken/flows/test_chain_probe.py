"""The default chain looking for a managed identity: quickly, once, and without taking others for IMDS."""

from __future__ import annotations

import time

import pytest
from tests.support.default_chain import client_from_environment, token_claims
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import Reply, TokenService

from entra_emulator.managed_identity.machine import Machine
from mstoken import TransportError, UnreadableAnswer
from mstoken.config.chain import default_settings


def test_a_machine_without_identity_is_skipped(
    runner: Runner, clean: dict[str, str], machine: Machine, profile: None
) -> None:
    """IMDS is on every virtual machine, identity or not."""
    machine.identities.system, machine.identities.users[:] = None, []
    client = client_from_environment(runner, clean | machine.environment("imds"))
    assert "upn" in token_claims(runner, client)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(403, "connecting to 169.254.169.254:80: network is unreachable"),
        Reply(404, "<html>not found</html>"),
        Reply(401, "unauthorized"),
        Reply(raw=b""),
    ],
    ids=["Docker Desktop", "another cloud", "another cloud, protected", "hangs up"],
)
def test_a_server_that_is_not_imds_is_skipped(
    runner: Runner, clean: dict[str, str], token_service: TokenService, profile: None, reply: Reply
) -> None:
    """Other clouds have a metadata service at the same address; one short request tells, and it is not repeated."""
    token_service.script = [reply]
    client = client_from_environment(runner, clean | {"AZURE_POD_IDENTITY_AUTHORITY_HOST": token_service.url})
    assert "upn" in token_claims(runner, client)
    assert len(token_service.requests) == 1
    assert "Metadata" not in token_service.requests[0].headers


def test_a_probe_takes_a_second_at_most_and_is_remembered(
    runner: Runner, clean: dict[str, str], token_service: TokenService, profile: None
) -> None:
    """A silent address costs one second once; the next client of the same user does not ask again."""
    token_service.script = [Reply(400, "late", delay=4)]
    environ = clean | {"AZURE_POD_IDENTITY_AUTHORITY_HOST": token_service.url}
    client = client_from_environment(runner, environ)
    started = time.monotonic()
    assert "upn" in token_claims(runner, client)
    assert 0.9 < time.monotonic() - started < 3.5
    settings = default_settings(environ=environ)
    another = runner.client_class.from_settings(settings, client._stores)
    assert "upn" in token_claims(runner, another, "arm")
    assert len(token_service.requests) == 1


def test_a_redirect_ends_the_search(
    runner: Runner, clean: dict[str, str], token_service: TokenService, profile: None
) -> None:
    """Whether the machine has an identity cannot be told, so no other one serves in its place."""
    token_service.script = [Reply(302, "", {"Location": "https://sign-in.example/"})]
    client = client_from_environment(runner, clean | {"AZURE_POD_IDENTITY_AUTHORITY_HOST": token_service.url})
    with pytest.raises(UnreadableAnswer, match="answered with a redirect") as caught:
        token_claims(runner, client)
    assert "AZURE_TOKEN_CREDENTIALS" in caught.value.remedy


def test_a_busy_imds_counts_as_available(
    runner: Runner, clean: dict[str, str], machine: Machine, profile: None
) -> None:
    """A probe that meets 429 or 410 finds IMDS; the question is then asked by its schedule."""
    client = client_from_environment(runner, clean | machine.environment("imds"))
    slept = use_fake_clock(client)
    machine.trouble = [429, 410, 410]
    assert "upn" not in token_claims(runner, client)
    assert slept == [0, 5]


def test_the_only_selected_link_is_not_probed(runner: Runner, clean: dict[str, str]) -> None:
    """AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential promises it: no answer is the error itself."""
    client = client_from_environment(runner, clean | {"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"})
    slept = use_fake_clock(client)
    with pytest.raises(TransportError):
        runner.run(lambda: client.get_token("graph"))
    assert slept == [1.6]

"""Managed identity against the six local endpoints: every source, its ids and its rules."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.managed_identities import SOURCES, managed_identity_client
from tests.support.program import UNREACHABLE
from tests.support.runners import Runner
from tests.support.token_service import Reply, TokenService

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Machine, Source
from entra_emulator.model import Grant
from mstoken import ManagedIdentity, NotConfigured, SignInRequired, TransportError, UsageError
from mstoken.config.resolving import resolve_settings
from mstoken.protocol.cache_key import cache_key
from mstoken.protocol.jwt import decode

GRAPH = "00000003-0000-0000-c000-000000000000"


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_gives_a_token(runner: Runner, machine: Machine, source: Source) -> None:
    """Detected by its variables alone, without tenant or client id, and kept afterwards."""
    client = managed_identity_client(runner, machine, source)
    token = runner.run(lambda: client.get_token("arm"))
    claims = decode(token.token).claims
    assert claims["aud"] == "https://management.azure.com/"
    assert ("upn" in claims) == (source == "cloud_shell")
    request = len(machine.requests)
    assert request == (2 if source == "azure_arc" else 1)
    assert runner.run(lambda: client.get_token("arm")) == token
    assert len(machine.requests) == request


@pytest.mark.parametrize("source", SOURCES)
def test_a_token_of_a_day_is_renewed_at_half_its_life(runner: Runner, machine: Machine, source: Source) -> None:
    """From two hours on, half of the life; a shorter one, as Cloud Shell's, later in its life."""
    client = managed_identity_client(runner, machine, source)
    token = runner.run(lambda: client.get_token("arm"))
    life, renewed_in = token.expires_on - time.time(), token.refresh_on - time.time()
    low, high = (0.69, 0.81) if source == "cloud_shell" else (0.49, 0.51)
    assert low < renewed_in / life < high


@pytest.mark.parametrize("source", ["imds", "app_service", "azure_arc"])
@pytest.mark.parametrize("kind", ["client_id", "object_id", "resource_id"])
def test_a_user_assigned_identity_is_chosen_by_any_id(
    runner: Runner, machine: Machine, source: Source, kind: str
) -> None:
    """Each dialect has its own name for the parameter, and the token is that identity's."""
    identity = machine.identities.users[0]
    client = managed_identity_client(runner, machine, source, **{kind: getattr(identity, kind)})
    claims = decode(runner.run(lambda: client.get_token("arm")).token).claims
    assert (claims["appid"], claims["xms_mirid"]) == (identity.client_id, identity.resource_id)


def test_azure_ml_accepts_a_client_id_only(runner: Runner, machine: Machine) -> None:
    """Its parameter has no underscore; the other ids are refused before anything is sent."""
    identity = machine.identities.users[0]
    client = managed_identity_client(runner, machine, "azure_ml", client_id=identity.client_id)
    assert decode(runner.run(lambda: client.get_token("arm")).token).claims["appid"] == identity.client_id
    machine.requests.clear()
    other = managed_identity_client(runner, machine, "azure_ml", object_id=identity.object_id)
    with pytest.raises(UsageError, match="No request was made"):
        runner.run(lambda: other.get_token("arm"))
    assert machine.requests == []


DEFAULT_ID = "0f2b6c1d-5a4e-4f3b-9c8d-7e6f5a4b3c2d"


@pytest.mark.parametrize(
    ("default", "given", "sent"),
    [
        (DEFAULT_ID, {}, DEFAULT_ID),
        (DEFAULT_ID.upper(), {}, DEFAULT_ID.upper()),
        (DEFAULT_ID, {"client_id": "1" * 8 + DEFAULT_ID[8:]}, "1" * 8 + DEFAULT_ID[8:]),
        ("clientid", {}, None),
        ("", {}, None),
    ],
)
def test_azure_mls_default_identity_is_requested(
    runner: Runner, token_service: TokenService, default: str, given: dict[str, str], sent: str | None
) -> None:
    """DEFAULT_IDENTITY_CLIENT_ID names the compute's identity; without it, a person's token may come."""
    environment = {"MSI_ENDPOINT": token_service.url, "MSI_SECRET": "s", "DEFAULT_IDENTITY_CLIENT_ID": default}
    client = runner.client("", "", ManagedIdentity(environment=environment, **given))
    assert runner.run(lambda: client.get_token("arm")).token
    query = dict(parse_qsl(urlsplit(token_service.requests[0].path).query))
    assert query.get("clientid") == sent


def test_another_default_identity_is_another_token(runner: Runner) -> None:
    """Jobs that share a store do not get each other's tokens."""
    keys = set()
    for default in (DEFAULT_ID, "1" * 8 + DEFAULT_ID[8:], ""):
        environment = {"MSI_ENDPOINT": "http://m", "MSI_SECRET": "s", "DEFAULT_IDENTITY_CLIENT_ID": default}
        client = runner.client("", "", ManagedIdentity(environment=environment))
        keys.add(cache_key(client.token_request("arm")))
    assert len(keys) == 3


def test_an_invalid_default_identity_is_refused(runner: Runner, token_service: TokenService) -> None:
    """Azure ML takes what is no GUID for no client ID, and would give another identity's token."""
    environment = {"MSI_ENDPOINT": token_service.url, "MSI_SECRET": "s", "DEFAULT_IDENTITY_CLIENT_ID": "my-identity"}
    client = runner.client("", "", ManagedIdentity(environment=environment))
    with pytest.raises(UsageError, match="DEFAULT_IDENTITY_CLIENT_ID"):
        runner.run(lambda: client.get_token("arm"))
    assert token_service.requests == []


@pytest.mark.parametrize("source", ["cloud_shell", "service_fabric"])
@pytest.mark.parametrize("kind", ["client_id", "object_id", "resource_id"])
def test_a_choice_that_the_source_does_not_support_is_refused(
    runner: Runner, machine: Machine, source: Source, kind: str
) -> None:
    """Cloud Shell and Service Fabric decide themselves; a wish would be overlooked, so it is refused."""
    client = managed_identity_client(runner, machine, source, **{kind: "11111111-2222-3333-4444-555555555555"})
    with pytest.raises(UsageError) as caught:
        runner.run(lambda: client.get_token("arm"))
    assert "leave" in caught.value.remedy
    assert machine.requests == []


def test_no_proxy_ever_sees_the_request(
    runner: Runner, machine: Machine, token_service: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment says of proxies, the endpoint is asked directly."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, token_service.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for source in SOURCES:
        client = managed_identity_client(runner, machine, source)
        assert runner.run(partial(client.get_token, "arm")).token
    assert token_service.requests == []


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"expires_in": "86311", "expires_on": "1"}, 86311),
        ({"expires_in": 3600}, 3600),
        ({"expires_on": None}, 300),
        ({"expires_on": "06/20/2099 02:57:58 +00:00"}, None),
        ({"expires_on": "1/16/2099 5:24:12 AM +00:00"}, None),
        ({"expires_on": "2099-06-20T02:57:58+02:00"}, None),
        ({"expires_in": "3600.0"}, 3600),
        ({"expires_in": 3.6e3, "expires_on": "never"}, 3600),
        ({"expires_in": "", "expires_on": "3600"}, 3600),
    ],
)
def test_the_lifetime_is_parsed_in_every_form(
    runner: Runner, token_service: TokenService, body: dict[str, Any], left: int | None
) -> None:
    """Seconds or an end, as number or text, or a date as App Service wrote it in 2017."""
    token_service.script = [Reply(200, {"access_token": "t", "resource": "r", "token_type": "Bearer", **body})]
    environment = {"MSI_ENDPOINT": token_service.url, "MSI_SECRET": "s"}
    client = runner.client("", "", ManagedIdentity(environment=environment))
    token = runner.run(lambda: client.get_token("arm"))
    expected = 366 * 24 * 3600 if left is None else left
    assert expected - 5 < token.expires_on - time.time() <= expected


def test_a_service_that_needs_a_user_is_refused_before_any_request(runner: Runner, machine: Machine) -> None:
    """A managed identity is an application."""
    client = managed_identity_client(runner, machine, "imds")
    with pytest.raises(SignInRequired):
        runner.run(lambda: client.get_token("partner"))
    assert machine.requests == []


def test_an_api_accepts_the_token(runner: Runner, entra: Emulator, machine: Machine) -> None:
    """With the permission granted, Graph answers."""
    identity = machine.identities.system
    assert identity is not None
    entra.state.default_tenant.grants.append(Grant(identity.client_id, GRAPH, roles=["Organization.Read.All"]))
    client = managed_identity_client(runner, machine, "imds")
    answer = runner.run(lambda: client.request("GET", "https://graph.microsoft.com/v1.0/organization"))
    assert answer.status == 200


def test_service_fabrics_certificate_must_be_the_one_named(runner: Runner, machine: Machine) -> None:
    """Another thumbprint ends the connection before the secret is sent."""
    environment = machine.environment("service_fabric") | {"IDENTITY_SERVER_THUMBPRINT": "ab" * 20}
    client = runner.client("", "", ManagedIdentity(environment=environment))
    use_fake_clock(client)
    with pytest.raises(TransportError, match="another certificate"):
        runner.run(lambda: client.get_token("arm"))
    assert machine.requests == []


def test_service_fabric_is_told_about_a_rejected_token(
    runner: Runner, token_service: TokenService, machine: Machine
) -> None:
    """A claims challenge sends the digest of the token that met it, and CP1 for who can answer challenges."""
    client = managed_identity_client(runner, machine, "service_fabric")
    runner.run(lambda: client.get_token("arm", enable_cae=True))
    runner.run(lambda: client.get_token("arm", enable_cae=True, claims='{"access_token":{"nbf":{"essential":true}}}'))
    assert machine.requests[0].form == ("api-version", "resource", "xms_cc")
    assert machine.requests[1].form == ("api-version", "resource", "xms_cc", "token_sha256_to_refresh")


def test_the_tenant_of_a_challenge_changes_nothing(runner: Runner, machine: Machine) -> None:
    """Azure SDK clients pass on the tenant an API names; a managed identity has only its own."""
    client = managed_identity_client(runner, machine, "imds")
    assert runner.run(lambda: client.get_token("arm", tenant_id="11111111-2222-3333-4444-555555555555")).token


def test_identities_have_separate_tokens(runner: Runner, machine: Machine) -> None:
    """System-assigned, user-assigned, another machine and another endpoint never share a kept token."""
    here = machine.environment("imds")
    there = {"IDENTITY_ENDPOINT": f"{UNREACHABLE}/msi/token", "IDENTITY_HEADER": "h"}
    credentials = [
        ManagedIdentity(environment=here),
        ManagedIdentity(environment=here, machine="another"),
        ManagedIdentity("11111111-2222-3333-4444-555555555555", environment=here),
        ManagedIdentity(object_id="11111111-2222-3333-4444-555555555555", environment=here),
        ManagedIdentity(environment=there),
        ManagedIdentity(environment=there | {"IDENTITY_HEADER": "i"}),
    ]
    keys = {cache_key(runner.client("", "", one).token_request("arm")) for one in credentials}
    assert len(keys) == len(credentials)
    again = ManagedIdentity("11111111-2222-3333-4444-555555555555", environment=here, machine="another")
    assert cache_key(runner.client("", "", again).token_request("arm")) in keys


def test_an_unavailable_source_is_named(runner: Runner, machine: Machine) -> None:
    """`source` is a promise of the caller's; where it does not hold, the variables that are missing are told."""
    client = runner.client("", "", ManagedIdentity(source="service_fabric", environment=machine.environment("imds")))
    with pytest.raises(NotConfigured, match="IDENTITY_SERVER_THUMBPRINT"):
        runner.run(lambda: client.get_token("arm"))


def test_an_identity_is_selected_by_one_id() -> None:
    """Two ids, or a source that is none, are mistakes of the caller's."""
    with pytest.raises(UsageError, match="more than one id"):
        ManagedIdentity("a", object_id="b")
    with pytest.raises(UsageError, match="imds"):
        ManagedIdentity(source="vm")


@pytest.mark.parametrize("kind", ["", "client_id", "object_id", "resource_id"])
def test_a_profile_names_a_managed_identity(
    runner: Runner, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """`managed_identity = "system"`, or one of the ids; tenant and client id are not needed."""
    identity = machine.identities.users[0] if kind else machine.identities.system
    text = f"{kind}:{getattr(identity, kind)}" if kind else "system"
    (tmp_path / "config.toml").write_text(f'[profile.vm]\nmanaged_identity = "{text}"\n')
    (tmp_path / "config.toml").chmod(0o600)
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    for name, value in {"MSTOKEN_CONFIG_DIR": str(tmp_path), **machine.environment("app_service")}.items():
        monkeypatch.setenv(name, value)
    client: Any = runner.client_class.from_settings(resolve_settings({"profile": "vm"}))
    claims = decode(runner.run(lambda: client.get_token("arm")).token).claims
    assert claims["appid"] == getattr(identity, "client_id", "")


@pytest.mark.parametrize(
    "text",
    [
        'managed_identity = "vm"',
        'managed_identity = "client_id:"',
        'managed_identity = "system"\ntenant = "contoso.com"',
        'managed_identity = "system"\naccount = "nadia"',
    ],
)
def test_a_profile_with_an_invalid_identity_is_refused(tmp_path: Path, text: str) -> None:
    """A misspelling, or a second identity beside it."""
    (tmp_path / "config.toml").write_text(f"[profile.vm]\n{text}\n")
    (tmp_path / "config.toml").chmod(0o600)
    with pytest.raises(UsageError, match="managed_identity"):
        resolve_settings({"profile": "vm"}, {"MSTOKEN_CONFIG_DIR": str(tmp_path)})

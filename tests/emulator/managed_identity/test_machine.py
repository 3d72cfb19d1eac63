"""A machine's endpoints by plain HTTP: forms, refusals and claims."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Machine, Source
from entra_emulator.model import Grant

ORDERS = "api://northwind-orders"
ARM = "https://management.azure.com/"
GRAPH = "00000003-0000-0000-c000-000000000000"


@pytest.fixture(scope="module")
def entra() -> Iterator[Emulator]:
    """One emulator for all of these."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def machine(entra: Emulator) -> Iterator[Machine]:
    """A machine of its own for each test."""
    with entra.machine() as made:
        yield made


def imds(machine: Machine, **parameters: str) -> httpx.Response:
    query = {"api-version": "2018-02-01", "resource": ARM, **parameters}
    return httpx.get(machine.url("imds"), params=query, headers={"Metadata": "true"}, trust_env=False)


def test_imds_answers_as_recorded(machine: Machine) -> None:
    """Every value is a string, the members are the recorded ones, and exp - iat is a day and five minutes."""
    answer = imds(machine)
    body = answer.json()
    assert answer.headers["server"].startswith("IMDS/")
    assert list(body) == [
        "access_token",
        "client_id",
        "expires_in",
        "expires_on",
        "ext_expires_in",
        "not_before",
        "resource",
        "token_type",
    ]
    assert all(isinstance(value, str) for value in body.values())
    assert int(body["expires_on"]) - int(body["not_before"]) == 86_700


def test_a_token_has_a_managed_identitys_claims(entra: Emulator, machine: Machine) -> None:
    """oid is sub, appidacr is 2, and xms_mirid names the Azure resource; roles are those granted."""
    identity = machine.identities.system
    assert identity is not None
    entra.state.default_tenant.grants.append(Grant(identity.client_id, GRAPH, roles=["User.Read.All"]))
    token = imds(machine, resource="https://graph.microsoft.com").json()["access_token"]
    claims = entra._running().keys.verify(token)
    assert claims["oid"] == claims["sub"] == identity.object_id
    assert (claims["appid"], claims["appidacr"], claims["idtyp"]) == (identity.client_id, "2", "app")
    assert (claims["xms_mirid"], claims["roles"]) == (identity.resource_id, ["User.Read.All"])


@pytest.mark.parametrize(
    ("resource", "version", "names"),
    [("https://management.azure.com", "1.0", ["typ", "alg", "x5t", "kid"]), (ORDERS, "2.0", ["typ", "alg", "kid"])],
)
def test_the_resource_determines_the_token_version(
    entra: Emulator, machine: Machine, resource: str, version: str, names: list[str]
) -> None:
    """A resource that wants version 2.0 gets it from a machine too; only version 1.0 names the key twice (x5t)."""
    assert imds(machine, resource=resource).status_code == 200
    token = entra.issued[-1]
    assert (token.claims["ver"], list(token.header)) == (version, names)
    assert token.claims["iss"].endswith("/v2.0") == (version == "2.0")


def test_imds_requires_the_metadata_header(machine: Machine) -> None:
    """Word for word the recorded refusal: a browser that was led astray cannot send the header."""
    answer = httpx.get(machine.url("imds"), params={"api-version": "2018-02-01", "resource": ARM}, trust_env=False)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_request",
        "error_description": "Required metadata header not specified",
    }


@pytest.mark.parametrize(
    ("parameters", "headers"),
    [
        ({"resource": ""}, {}),
        ({}, {"X-Forwarded-For": "203.0.113.7"}),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, {}),
        ({"resource": "api://nobody-knows-this"}, {}),
    ],
)
def test_imds_refuses_with_400(machine: Machine, parameters: dict[str, str], headers: dict[str, str]) -> None:
    """No resource, a forwarded request, an unknown identity, an unknown resource."""
    query = {"api-version": "2018-02-01", "resource": ARM, **parameters}
    sent = {"Metadata": "true", **headers}
    answer = httpx.get(machine.url("imds"), params=query, headers=sent, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_request", "invalid_resource")


SECRETS: dict[Source, tuple[str, str]] = {
    "app_service": ("X-IDENTITY-HEADER", "2019-08-01"),
    "azure_ml": ("secret", "2017-09-01"),
    "service_fabric": ("Secret", "2020-05-01"),
}


@pytest.mark.parametrize("source", SECRETS)
def test_the_endpoint_requires_the_environments_secret(entra: Emulator, machine: Machine, source: Source) -> None:
    """Without it, or with another, there is no token."""
    header, version = SECRETS[source]
    environment = machine.environment(source)
    secret = environment.get("IDENTITY_HEADER") or environment["MSI_SECRET"]
    trust = ssl.create_default_context(cafile=entra.ca_file)
    statuses = []
    for sent in ({}, {header: "wrong"}, {header: secret}):
        query = {"api-version": version, "resource": ARM}
        answer = httpx.get(machine.url(source), params=query, headers=sent, verify=trust, trust_env=False)
        statuses.append(answer.status_code)
    assert statuses[-1] == 200
    assert all(400 <= status < 500 for status in statuses[:-1])


def arc(machine: Machine, **headers: str) -> httpx.Response:
    query = {"api-version": "2020-06-01", "resource": ARM}
    sent = {"Metadata": "true", **headers}
    return httpx.get(machine.url("azure_arc"), params=query, headers=sent, trust_env=False)


def test_azure_arc_challenges_with_a_file_each_time(machine: Machine) -> None:
    """The challenge names a key of its folder that only its owner may read; a key is good once."""
    challenge = arc(machine)
    assert challenge.status_code == 401
    path = Path(challenge.headers["www-authenticate"].removeprefix("Basic realm="))
    assert (path.parent, path.suffix) == (machine.keys, ".key")
    assert path.stat().st_mode & 0o077 == 0
    key = path.read_text()
    assert arc(machine, Authorization=f"Basic {key}").status_code == 200
    assert arc(machine, Authorization=f"Basic {key}").status_code == 401
    assert arc(machine, Authorization="Basic wrong").status_code == 401


def test_cloud_shell_gives_tokens_of_its_user_by_post_and_get(entra: Emulator, machine: Machine) -> None:
    """MSAL sends a form, msal4j a query; another method is not allowed."""
    url, headers = machine.url("cloud_shell"), {"Metadata": "true"}
    for body in (
        httpx.post(url, data={"resource": ARM}, headers=headers, trust_env=False).json(),
        httpx.get(url, params={"resource": ARM}, headers=headers, trust_env=False).json(),
    ):
        assert entra._running().keys.verify(body["access_token"])["upn"] == "nadia@northwind-partner.example"
        assert "refresh_token" in body
    assert httpx.get(url, headers=headers, trust_env=False).json()["error"]["code"] == "MissingResource"
    assert httpx.put(url, headers=headers, trust_env=False).status_code == 405


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
def test_injected_errors_have_the_dialects_form_and_end(machine: Machine, status: int) -> None:
    """`trouble` is used up, one answer each."""
    machine.trouble = [status]
    troubled = imds(machine)
    assert (troubled.status_code, "error" in troubled.json()) == (status, True)
    assert imds(machine).status_code == 200


def test_requests_are_logged_without_secrets(machine: Machine) -> None:
    """Names of parameters, the resource and the client id; no header."""
    imds(machine, client_id=machine.identities.users[0].client_id)
    [request] = machine.requests
    assert request.form == ("api-version", "resource", "client_id")
    assert (request.scope, request.client_id) == (ARM, machine.identities.users[0].client_id)

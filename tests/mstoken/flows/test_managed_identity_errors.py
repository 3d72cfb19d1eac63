"""Managed identity against the six local endpoints when they refuse, are busy, or are not there."""

from __future__ import annotations

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.managed_identities import SOURCES, managed_identity_client
from tests.support.program import UNREACHABLE
from tests.support.runners import Runner
from tests.support.token_service import RecordedRequest, Reply, TokenService

from entra_emulator.managed_identity.machine import Machine, Source
from mstoken import (
    CredentialRejected,
    ManagedIdentity,
    Misconfigured,
    ServiceUnavailable,
    Throttled,
    TransportError,
    UnreadableAnswer,
)


@pytest.mark.parametrize("source", ["imds", "app_service", "azure_arc", "azure_ml"])
def test_an_identity_that_is_not_assigned_is_named(runner: Runner, machine: Machine, source: Source) -> None:
    """The error says which id was looked for and what to do; it is not asked for twice."""
    client = managed_identity_client(runner, machine, source, client_id="11111111-2222-3333-4444-555555555555")
    with pytest.raises(Misconfigured) as caught:
        runner.run(lambda: client.get_token("arm"))
    assert "11111111-2222-3333-4444-555555555555" in caught.value.remedy
    assert [request.status for request in machine.requests if request.status != 401] == [400]


def test_a_machine_without_identity_says_how_to_get_one(runner: Runner, machine: Machine) -> None:
    """IMDS's 400 is about the machine: the remedy assigns an identity."""
    machine.identities.system, machine.identities.users[:] = None, []
    client = managed_identity_client(runner, machine, "imds")
    with pytest.raises(Misconfigured, match="Identity not found") as caught:
        runner.run(lambda: client.get_token("arm"))
    assert "az vm identity assign" in caught.value.remedy


def test_several_user_assigned_identities_require_a_choice(runner: Runner, machine: Machine) -> None:
    """Without a system-assigned identity and with two others IMDS cannot choose."""
    machine.identities.system = None
    machine.identities.users *= 2
    client = managed_identity_client(runner, machine, "imds")
    with pytest.raises(Misconfigured) as caught:
        runner.run(lambda: client.get_token("arm"))
    assert "AZURE_CLIENT_ID" in caught.value.remedy


def test_entras_own_error_is_explained(runner: Runner, machine: Machine) -> None:
    """IMDS passes Entra's error on, with its code."""
    client = managed_identity_client(runner, machine, "imds")
    with pytest.raises(Misconfigured) as caught:
        runner.run(lambda: client.get_token("api://nobody-knows-this"))
    assert caught.value.codes == (500011,)


def test_app_service_answers_an_unknown_resource_with_500(runner: Runner, machine: Machine) -> None:
    """It is asked again three times, and the remedy names the resource, as it may be at fault."""
    client = managed_identity_client(runner, machine, "app_service")
    slept = use_fake_clock(client)
    with pytest.raises(ServiceUnavailable) as caught:
        runner.run(lambda: client.get_token("api://nobody-knows-this"))
    assert "api://nobody-knows-this" in caught.value.remedy
    assert slept == [1, 1, 1]


@pytest.mark.parametrize(("source", "refused"), [("app_service", CredentialRejected), ("azure_ml", CredentialRejected)])
def test_an_old_endpoint_secret_is_refused(
    runner: Runner, machine: Machine, source: Source, refused: type[Exception]
) -> None:
    """The platform renews its secret at a restart; the remedy says so and nothing is repeated."""
    old = {
        name: "old" if "HEADER" in name or "SECRET" in name else value
        for name, value in machine.environment(source).items()
    }
    client = runner.client("", "", ManagedIdentity(environment=old))
    with pytest.raises(refused, match="401") as caught:
        runner.run(lambda: client.get_token("arm"))
    assert "restart" in getattr(caught.value, "remedy", "")
    assert len(machine.requests) == 1


def test_a_403_of_imds_comes_from_an_intermediary(runner: Runner, token_service: TokenService) -> None:
    """IMDS takes no secret that could be wrong: a 403 is a proxy's or a sandbox's, and the remedy speaks of that."""
    token_service.script = [Reply(403, {"error": "blocked"})]
    environment = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": token_service.url}
    client = runner.client("", "", ManagedIdentity(environment=environment))
    with pytest.raises(CredentialRejected, match="403") as caught:
        runner.run(lambda: client.get_token("arm"))
    assert f"something else may have answered at {token_service.url}" in caught.value.remedy


@pytest.mark.parametrize(
    ("code", "environment"), [("ManagedIdentityNotFound", {"IDENTITY_HEADER": "old"}), ("ResourceNotFound", {})]
)
def test_service_fabrics_codes_are_explained(
    runner: Runner, machine: Machine, code: str, environment: dict[str, str]
) -> None:
    """Its errors have a code and a message in a member `error`."""
    given = machine.environment("service_fabric") | environment
    client = runner.client("", "", ManagedIdentity(environment=given))
    scope = "arm" if environment else "api://nobody-knows-this"
    with pytest.raises(Misconfigured, match=code):
        runner.run(lambda: client.get_token(scope))


def test_cloud_shells_codes_are_explained(runner: Runner, machine: Machine) -> None:
    """It refuses audiences that it does not serve."""
    client = managed_identity_client(runner, machine, "cloud_shell")
    with pytest.raises(Misconfigured, match="AudienceNotSupported"):
        runner.run(lambda: client.get_token("api://nobody-knows-this"))


RETRIES = [
    ("imds", 404, [0, 1.6, 3.2, 6.4, 12.8]),
    ("imds", 429, [0, 1.6, 3.2, 6.4, 12.8]),
    ("imds", 500, [0, 1.6, 3.2, 6.4, 12.8]),
    ("imds", 503, [0, 1.6, 3.2, 6.4, 12.8]),
    ("imds", 410, [0, 5, 10, 20, 40]),
    *((source, status, [1, 1, 1]) for source in SOURCES[1:] for status in (404, 408, 429, 500, 502, 503, 504)),
]


@pytest.mark.parametrize(("source", "status", "pauses"), RETRIES)
def test_each_source_has_its_own_retry_schedule(
    runner: Runner, machine: Machine, source: Source, status: int, pauses: list[float]
) -> None:
    """What may pass is asked for again: IMDS for some 24 seconds, for 75 while it is updated; others three times."""
    client = managed_identity_client(runner, machine, source)
    slept = use_fake_clock(client)
    machine.trouble = [status] * len(pauses)
    assert runner.run(lambda: client.get_token("arm")).token
    assert slept == pauses
    assert [request.status for request in machine.requests if request.status == status] == [status] * len(pauses)


@pytest.mark.parametrize(("source", "status", "pauses"), RETRIES)
def test_retries_are_limited(
    runner: Runner, machine: Machine, source: Source, status: int, pauses: list[float]
) -> None:
    """After the last try the error says that it may pass."""
    client = managed_identity_client(runner, machine, source)
    slept = use_fake_clock(client)
    machine.trouble = [status] * 20
    with pytest.raises(Throttled if status == 429 else ServiceUnavailable):
        runner.run(lambda: client.get_token("arm"))
    assert slept == pauses


@pytest.mark.parametrize("source", ["imds", "app_service"])
def test_an_unreachable_endpoint_is_a_transport_error(runner: Runner, source: Source) -> None:
    """Where a client is told that there is a managed identity, no answer is tried again briefly."""
    environment = {
        "imds": {"AZURE_POD_IDENTITY_AUTHORITY_HOST": UNREACHABLE},
        "app_service": {"IDENTITY_ENDPOINT": f"{UNREACHABLE}/msi/token", "IDENTITY_HEADER": "h"},
    }
    client = runner.client("", "", ManagedIdentity(environment=environment[source]))
    slept = use_fake_clock(client)
    with pytest.raises(TransportError):
        runner.run(lambda: client.get_token("arm"))
    assert slept == ([1.6] if source == "imds" else [1, 1, 1])


def test_docker_desktops_403_means_unreachable(runner: Runner, machine: Machine) -> None:
    """Its proxy answers for addresses that it cannot reach; that is no refusal by Azure."""
    client = managed_identity_client(runner, machine, "imds")
    machine.trouble = [403]
    with pytest.raises(TransportError, match="not running on Azure"):
        runner.run(lambda: client.get_token("arm"))


@pytest.mark.parametrize(
    "reply",
    [Reply(403, "<html>not yours</html>"), Reply(401, "no token"), Reply(405, "", {"Server": "EC2ws"})],
)
def test_another_clouds_metadata_service_is_not_imds(runner: Runner, token_service: TokenService, reply: Reply) -> None:
    """Whoever else answers at that address has no managed identity to give; nothing is said of secrets."""
    token_service.script = [reply]
    environment = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": token_service.url}
    client = runner.client("", "", ManagedIdentity(environment=environment))
    with pytest.raises(TransportError, match="not running on Azure") as caught:
        runner.run(lambda: client.get_token("arm"))
    assert "restart" not in caught.value.remedy


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, "<html>sign in</html>"),
        Reply(200, {"expires_in": 3600}),
        Reply(200, {"access_token": "t", "expires_on": "yesterday"}),
        Reply(200, {"access_token": "t", "expires_on": "1"}),
        Reply(200, {"access_token": "t", "expires_on": 1.5e15}),
        Reply(200, {"access_token": "t", "expires_on": "16/01/2099 05:24:12"}),
        Reply(200, {"access_token": "t", "expires_in": "P1D"}),
        Reply(200, '{"access_token": "t", "expi'),
    ],
)
def test_a_response_without_a_token_is_an_error(runner: Runner, token_service: TokenService, reply: Reply) -> None:
    """HTML, cut-off JSON, a missing token and a senseless end are errors, never tokens."""
    token_service.script = [reply]
    environment = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": token_service.url}
    client = runner.client("", "", ManagedIdentity(environment=environment))
    with pytest.raises(UnreadableAnswer):
        runner.run(lambda: client.get_token("arm"))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("endpoint", ["imds", "app_service", "cloud_shell"])
def test_a_redirect_does_not_mean_that_the_identity_is_missing(
    runner: Runner, token_service: TokenService, status: int, endpoint: str
) -> None:
    """It is not followed, with what it could reveal, and nobody is told to assign an identity."""
    token_service.script = [Reply(status, "", {"Location": f"{token_service.url}/elsewhere", "Server": "IMDS/1"})]
    environment = {
        "imds": {"AZURE_POD_IDENTITY_AUTHORITY_HOST": token_service.url},
        "app_service": {"IDENTITY_ENDPOINT": token_service.url, "IDENTITY_HEADER": "secret"},
        "cloud_shell": {"MSI_ENDPOINT": token_service.url},
    }[endpoint]
    client = runner.client("", "", ManagedIdentity(environment=environment))
    with pytest.raises(UnreadableAnswer, match="was not followed") as caught:
        runner.run(lambda: client.get_token("arm"))
    assert "assign" not in str(caught.value)
    assert [request.path for request in token_service.requests if "elsewhere" in request.path] == []


@pytest.mark.parametrize("status", [204, 402, 405, 418])
def test_only_400_means_that_the_identity_is_missing(runner: Runner, token_service: TokenService, status: int) -> None:
    """Any other status says something about whoever answers."""
    token_service.script = [Reply(status, "", {"Server": "IMDS/150"})]
    environment = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": token_service.url}
    client = runner.client("", "", ManagedIdentity(environment=environment))
    with pytest.raises(UnreadableAnswer, match=str(status)) as caught:
        runner.run(lambda: client.get_token("arm"))
    assert "az vm identity assign" not in str(caught.value)


def test_the_platforms_secret_is_not_shown(runner: Runner, machine: Machine) -> None:
    """Neither reprs nor errors have the secret of the environment."""
    environment = machine.environment("app_service")
    client = runner.client("", "", ManagedIdentity("none-such", environment=environment))
    with pytest.raises(Misconfigured) as caught:
        runner.run(lambda: client.get_token("arm"))
    assert environment["IDENTITY_HEADER"] not in repr(client) + repr(client.token_request("arm")) + repr(caught.value)


@pytest.mark.parametrize("source", ["app_service", "azure_ml"])
def test_a_secret_quoted_by_the_endpoint_is_not_shown(
    runner: Runner, machine: Machine, token_service: TokenService, source: Source
) -> None:
    """Where an endpoint repeats what it was sent, the error leaves the secret out."""

    def quoting(request: RecordedRequest) -> Reply:
        return Reply(401, {"statusCode": 401, "message": f"refused: {request.headers}"})

    token_service.script = [quoting]
    endpoint, secret = {"app_service": ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")}.get(
        source, ("MSI_ENDPOINT", "MSI_SECRET")
    )
    environment = machine.environment(source) | {endpoint: f"{token_service.url}/token"}
    client = runner.client("", "", ManagedIdentity(environment=environment))
    with pytest.raises(CredentialRejected, match="refused") as caught:
        runner.run(lambda: client.get_token("arm"))
    assert environment[secret] not in repr(caught.value.args)

"""The default chain: who serves, who is passed over, who ends it, and what is said when nobody serves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from azure.identity import DefaultAzureCredential
from tests.support.default_chain import client_from_environment, client_secret_environment, token_claims, write_profile
from tests.support.oidc_issuer import SUBJECT, OidcIssuer
from tests.support.program import UNREACHABLE
from tests.support.runners import Runner
from tests.support.token_service import TokenService

import mstoken
from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Machine
from entra_emulator.model import FederatedCredential
from mstoken import AsyncClient, Client, CredentialRejected, NotConfigured, SignInRequired, UsageError
from mstoken.config.chain import default_settings, links_wanted
from mstoken.credentials import Chain


def test_the_environment_is_first(
    runner: Runner, entra: Emulator, clean: dict[str, str], machine: Machine, profile: None
) -> None:
    """With a complete identity in the environment nothing else is looked at."""
    client = client_from_environment(runner, clean | machine.environment("imds") | client_secret_environment(entra))
    assert token_claims(runner, client)["appidacr"] == "1"
    assert machine.requests == []


def test_workload_identity_precedes_managed_identity(
    runner: Runner, entra: Emulator, clean: dict[str, str], machine: Machine, tmp_path: Path
) -> None:
    """In a pod with workload identity the node's identity is not asked."""
    issuer = OidcIssuer()
    entra.state.default_app.federated = [FederatedCredential(issuer.url, SUBJECT)]
    (tmp_path / "token").write_text(issuer.token())
    given = client_secret_environment(entra) | {
        "AZURE_CLIENT_SECRET": "",
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
    }
    client = client_from_environment(runner, clean | machine.environment("imds") | given)
    assert token_claims(runner, client)["appidacr"] == "2"
    assert client.credential.served.name == "workload identity"
    assert machine.requests == []
    issuer.close()


def test_a_github_job_is_a_workload_identity(
    runner: Runner, entra: Emulator, clean: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tenant and client id, and permission for an OIDC token, nothing else has to be set up."""
    issuer = OidcIssuer()
    entra.state.default_app.federated = [FederatedCredential(issuer.url, SUBJECT)]
    for name, value in issuer.github().items():
        monkeypatch.setenv(name, value)
    given = client_secret_environment(entra) | {"AZURE_CLIENT_SECRET": ""} | issuer.github()
    assert token_claims(runner, client_from_environment(runner, clean | given))["appid"] == entra.state.default_app.id
    issuer.close()


def test_managed_identity_precedes_the_profile(
    runner: Runner, clean: dict[str, str], machine: Machine, profile: None
) -> None:
    """The probe comes first and carries nothing; the identity then serves without another look."""
    client = client_from_environment(runner, clean | machine.environment("imds"))
    assert machine.identities.system is not None
    assert token_claims(runner, client)["appid"] == machine.identities.system.client_id
    assert token_claims(runner, client, "arm")["appid"] == machine.identities.system.client_id
    probe, *rest = machine.requests
    assert (probe.status, probe.scope) == (400, None)
    assert [request.status for request in rest if request.scope] == [200, 200]
    assert client.credential.served.name == "managed identity"


def test_azure_client_id_names_a_user_assigned_identity(
    runner: Runner, clean: dict[str, str], machine: Machine
) -> None:
    """As for DefaultAzureCredential."""
    identity = machine.identities.users[0]
    client = client_from_environment(
        runner, clean | machine.environment("app_service") | {"AZURE_CLIENT_ID": identity.client_id}
    )
    assert token_claims(runner, client)["appid"] == identity.client_id


def test_the_profile_is_last(runner: Runner, entra: Emulator, clean: dict[str, str], profile: None) -> None:
    """Where nothing else is there, the default profile's sign-in serves, and its tokens are those of the profile."""
    client = client_from_environment(runner, clean)
    assert token_claims(runner, client)["upn"] == "nadia@northwind-partner.example"
    assert client.credential.served.name == "profile"
    assert token_claims(runner, client, "arm")["upn"] == "nadia@northwind-partner.example"


def test_a_secret_that_is_refused_ends_the_chain(
    runner: Runner, entra: Emulator, clean: dict[str, str], machine: Machine, profile: None
) -> None:
    """Somebody meant that identity; serving another in its place would be a surprise."""
    given = client_secret_environment(entra) | {"AZURE_CLIENT_SECRET": "wrong"}
    client = client_from_environment(runner, clean | machine.environment("imds") | given)
    with pytest.raises(CredentialRejected):
        runner.run(lambda: client.get_token("graph"))
    assert machine.requests == []


def test_a_platform_that_refuses_ends_the_chain(
    runner: Runner, clean: dict[str, str], machine: Machine, profile: None
) -> None:
    """App Service says by its variables that there is an identity; a wrong id is an error and no reason to go on."""
    given = {"AZURE_CLIENT_ID": "11111111-2222-3333-4444-555555555555"}
    client = client_from_environment(runner, clean | machine.environment("app_service") | given)
    with pytest.raises(mstoken.Misconfigured, match="No managed identity"):
        runner.run(lambda: client.get_token("graph"))


@pytest.mark.parametrize(
    ("choice", "serves"),
    [
        ("dev", "profile"),
        ("prod", "managed identity"),
        ("ManagedIdentityCredential", "managed identity"),
        (" DEV ", "profile"),
    ],
)
def test_azure_token_credentials_excludes_links(
    runner: Runner, clean: dict[str, str], machine: Machine, profile: None, choice: str, serves: str
) -> None:
    """`prod` is what a deployment has, `dev` what a person has, a name is that one; letter case does not count."""
    client = client_from_environment(runner, clean | machine.environment("imds") | {"AZURE_TOKEN_CREDENTIALS": choice})
    token_claims(runner, client)
    assert client.credential.served.name == serves


def test_environmentcredential_is_the_environment_alone(
    runner: Runner, entra: Emulator, clean: dict[str, str], machine: Machine, profile: None
) -> None:
    """Complete, it serves; incomplete, the others do not."""
    only = {"AZURE_TOKEN_CREDENTIALS": "environmentcredential"}
    assert (
        token_claims(runner, client_from_environment(runner, clean | client_secret_environment(entra) | only))[
            "appidacr"
        ]
        == "1"
    )
    client = client_from_environment(runner, clean | machine.environment("imds") | only)
    with pytest.raises(NotConfigured, match="excludes it"):
        runner.run(lambda: client.get_token("graph"))
    assert machine.requests == []


@pytest.mark.parametrize("choice", ["visualstudiocodecredential", "InteractiveBrowserCredential"])
def test_an_unsupported_tool_is_named(clean: dict[str, str], choice: str) -> None:
    """Other sign-ins are not taken in its place."""
    with pytest.raises(NotConfigured, match=choice.lower()):
        default_settings(environ=clean | {"AZURE_TOKEN_CREDENTIALS": choice})


def test_every_choice_of_the_azure_sdks_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity lists what it takes; each either leaves links here or says that it means another tool."""
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "none-such")
    with pytest.raises(ValueError, match="Valid values are") as caught:
        DefaultAzureCredential()
    choices = str(caught.value).partition("Valid values are: ")[2].rstrip(".").split(", ")
    assert {"dev", "prod", "environmentcredential", "azureclicredential"} <= set(choices)
    known = {choice for choice in choices if _leaves_links(choice)}
    for choice in set(choices) - known:
        with pytest.raises(NotConfigured, match="a tool that is not supported here"):
            links_wanted({"AZURE_TOKEN_CREDENTIALS": choice})
    assert len(known) == 8


def _leaves_links(choice: str) -> bool:
    try:
        return bool(links_wanted({"AZURE_TOKEN_CREDENTIALS": choice}))
    except NotConfigured:
        return False


def test_an_unknown_value_of_azure_token_credentials_is_refused(clean: dict[str, str]) -> None:
    """The known ones are listed."""
    with pytest.raises(UsageError, match="production") as caught:
        default_settings(environ=clean | {"AZURE_TOKEN_CREDENTIALS": "production"})
    assert "prod" in caught.value.remedy


def test_the_error_lists_why_each_link_was_skipped(runner: Runner, clean: dict[str, str], tmp_path: Path) -> None:
    """Each link with its reason, and what would make it serve."""
    client = client_from_environment(runner, clean | {"AZURE_TENANT_ID": "contoso.com", "AZURE_CLIENT_SECRET": ""})
    with pytest.raises(NotConfigured) as caught:
        runner.run(lambda: client.get_token("graph"))
    _, *lines = caught.value.message.splitlines()
    assert [line.partition(":")[0].strip() for line in lines] == [
        "environment",
        "workload identity",
        "managed identity",
        "profile",
        "Azure CLI",
        "Azure PowerShell",
        "Azure Developer CLI",
    ]
    assert "AZURE_CLIENT_ID, AZURE_CLIENT_SECRET (set, but empty)" in lines[0]
    assert "AZURE_FEDERATED_TOKEN_FILE" in lines[1]
    assert UNREACHABLE in lines[2]
    assert str(tmp_path) in lines[3]
    for told in ("environment: ", "azure.workload.identity/use", "az vm identity assign", "mstoken login", "az login"):
        assert told in caught.value.remedy


def test_an_invalid_profile_is_reported(runner: Runner, clean: dict[str, str], tmp_path: Path) -> None:
    """It is a link that cannot serve, with its own reason."""
    path = tmp_path / "config.toml"
    path.write_text("[profile.default\n")
    path.chmod(0o600)
    client = client_from_environment(runner, clean)
    with pytest.raises(NotConfigured, match="not TOML"):
        runner.run(lambda: client.get_token("graph"))


def test_applications_are_skipped_if_a_user_is_required(
    runner: Runner, clean: dict[str, str], machine: Machine, profile: None
) -> None:
    """For Partner Center the machine is passed over without being asked, and the profile's person serves."""
    client = client_from_environment(runner, clean | machine.environment("imds"))
    assert token_claims(runner, client, "partner")["upn"] == "nadia@northwind-partner.example"
    assert machine.requests == []


def test_an_expired_sign_in_of_a_profile_is_sign_in_required(
    runner: Runner, entra: Emulator, clean: dict[str, str], tmp_path: Path
) -> None:
    """A refresh token that is refused is the error, not a chain in which nobody serves."""
    write_profile(entra, tmp_path, "1.no-longer-good")
    client = client_from_environment(runner, clean)
    with pytest.raises(SignInRequired):
        runner.run(lambda: client.get_token("graph"))


def test_an_explicit_identity_is_used_without_the_chain(entra: Emulator, clean: dict[str, str], profile: None) -> None:
    """A flag or MSTOKEN_PROFILE is no chain: that identity serves, or its error is told."""
    named = default_settings({"profile": "default"}, clean)
    assert not isinstance(named.credential, Chain)
    by_variable = default_settings(environ=clean | {"MSTOKEN_PROFILE": "default"})
    assert not isinstance(by_variable.credential, Chain)
    with pytest.raises(UsageError, match="other"):
        default_settings(environ=clean | {"MSTOKEN_PROFILE": "other"})


def test_default_makes_clients_for_blocking_and_for_asyncio(
    monkeypatch: pytest.MonkeyPatch, clean: dict[str, str]
) -> None:
    """`mstoken.default()` is Client.default(); AsyncClient has its own. Neither asks anybody."""
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    for name, value in clean.items():
        monkeypatch.setenv(name, value)
    assert isinstance(mstoken.default(), Client)
    assert isinstance(AsyncClient.default().credential, Chain)


def test_a_profiles_references_are_resolved_only_when_it_is_tried(
    runner: Runner, entra: Emulator, clean: dict[str, str], machine: Machine, tmp_path: Path
) -> None:
    """The program that a profile names for its secret does not run while a machine serves, and then once."""
    result = tmp_path / "ran"
    path = tmp_path / "config.toml"
    path.write_text(
        f'[profile.default]\ntenant = "{entra.state.default_tenant.id}"\nclient_id = "{entra.state.default_app.id}"\n'
        f"client_secret = \"command:sh -c 'echo x >> {result}; echo {entra.state.default_app.secrets[0].value}'\"\n"
    )
    path.chmod(0o600)
    environ = clean | {"PATH": os.environ["PATH"]}
    client = client_from_environment(runner, environ | machine.environment("imds"))
    assert token_claims(runner, client)["appidacr"] == "2"
    assert not result.exists()
    client = client_from_environment(runner, environ)
    assert [token_claims(runner, client, scope)["appidacr"] for scope in ("graph", "arm")] == ["1", "1"]
    assert result.read_text() == "x\n"


def test_a_service_that_needs_a_user_does_not_change_the_link_of_others(
    runner: Runner, clean: dict[str, str], machine: Machine, profile: None
) -> None:
    """After the profile's person has served for Partner Center, the machine still serves for Graph."""
    client = client_from_environment(runner, clean | machine.environment("imds"))
    assert "upn" in token_claims(runner, client, "partner")
    assert "upn" not in token_claims(runner, client)


@pytest.mark.parametrize("scope", ["partner", "graph"])
def test_a_profiles_secrets_go_to_its_own_authority(
    runner: Runner, entra: Emulator, clean: dict[str, str], token_service: TokenService, profile: None, scope: str
) -> None:
    """Whichever link is sure to be there, the profile's sign-in is redeemed where the profile says, nowhere else."""
    config = Path(clean["MSTOKEN_CONFIG_DIR"]) / "config.toml"
    config.write_text(f'{config.read_text()}authority = "{entra.authority}"\n')
    elsewhere = clean | {"AZURE_AUTHORITY_HOST": ""}
    if scope == "partner":  # App Service's identity is sure to be there, and cannot serve where a person is needed
        elsewhere |= {"IDENTITY_ENDPOINT": f"{token_service.url}/msi", "IDENTITY_HEADER": "header"}
    assert "upn" in token_claims(runner, client_from_environment(runner, elsewhere), scope)
    assert {request.host for request in entra.token_requests} == {entra.authority.removeprefix("https://")}
    assert token_service.requests == []


def test_an_option_applies_to_a_profiles_sign_in(entra: Emulator, clean: dict[str, str], profile: None) -> None:
    """`--authority` and `--cloud` go before the profile's own; the variable too."""
    config = Path(clean["MSTOKEN_CONFIG_DIR"]) / "config.toml"
    config.write_text(f'{config.read_text()}authority = "{entra.authority}"\n')
    for flags, environ, host in (
        ({}, {"AZURE_AUTHORITY_HOST": ""}, entra.authority),
        ({"authority": "https://localhost:1"}, {}, "https://localhost:1"),
        ({}, {"AZURE_AUTHORITY_HOST": "https://localhost:2"}, "https://localhost:2"),
    ):
        chain = default_settings(flags, clean | environ).credential
        assert isinstance(chain, Chain)
        settle = next(link.settle for link in chain.links if link.name == "profile")
        assert settle is not None
        assert settle().authority == host

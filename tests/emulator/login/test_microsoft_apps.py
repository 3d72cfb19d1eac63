"""Microsoft's own public clients and APIs, which exist in every tenant."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from importlib import resources
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.microsoft_apps import microsoft_apps
from entra_emulator.resources import find_first_party, find_registered

Get = Callable[..., httpx.Response]
OTTO = "otto@northwind-partner.example"
AZURE_CLI, AZURE_POWERSHELL = "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "1950a258-227b-4e31-a9cf-717495945fc2"
GRAPH_TOOLS, KUBELOGIN = "14d82eec-204b-4c2f-b7e8-296a70dab67e", "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
TEAMS, VSCODE = "1fec8e78-bce4-4aaf-ab1b-5451cc387264", "aebc6443-996d-45c2-90f0-388ff96faa56"
ARM, GRAPH = "https://management.core.windows.net//.default", "https://graph.microsoft.com/.default"


@pytest.fixture
def refresh(entra: Emulator, ask: Get) -> Get:
    """A refresh of a sign-in to one of Microsoft's clients."""

    def get(app: str, scope: str, user: str = OTTO, **form: Any) -> httpx.Response:
        form.setdefault("refresh_token", entra.sign_in(user, app))
        return ask(grant_type="refresh_token", client_id=app, client_secret=None, scope=scope, **form)

    return get


@pytest.mark.parametrize("app", [one for one in microsoft_apps() if one != GRAPH_TOOLS])
def test_they_have_graph_without_consent(refresh: Get, claims: Any, app: str) -> None:
    """Every one of them gets a token for Graph with the permissions it is preauthorized for."""
    body = refresh(app, GRAPH).json()
    token = claims(body["access_token"])
    assert set(token["scp"].split()) == set(microsoft_apps()[app].preauthorized["00000003-0000-0000-c000-000000000000"])
    assert (token["appid"], token["appidacr"]) == (app, "0")


@pytest.mark.parametrize(
    ("app", "scope"),
    [
        (AZURE_CLI, ARM),
        (AZURE_CLI, "https://vault.azure.net/.default"),
        (AZURE_POWERSHELL, "https://management.azure.com/.default"),
        (VSCODE, "https://management.azure.com/user_impersonation"),
        (KUBELOGIN, "6dae42f8-4368-4678-94ff-3960e28e3630/.default"),
        (TEAMS, "https://outlook.office365.com/.default"),
        (AZURE_CLI, "https://substrate.office.com/.default"),
    ],
)
def test_their_usual_apis_need_no_consent(refresh: Get, app: str, scope: str) -> None:
    """The APIs that people use them for are preauthorized."""
    assert refresh(app, scope).status_code == 200


def test_they_are_in_every_tenant(entra: Emulator, refresh: Get) -> None:
    """In a customer's tenant and in a new one too, without any configuration."""
    tenant = entra.add_tenant("Fabrikam", "fabrikam.example")
    ann = entra.add_user("ann@fabrikam.example")
    assert refresh(AZURE_CLI, ARM, ann.upn, tenant=tenant.id).status_code == 200
    customer = entra.state.default_customer
    assert customer
    assert refresh(AZURE_CLI, ARM, "mira@tailwind-bakery.example", tenant=customer.domain).status_code == 200


def test_a_family_shares_its_refresh_tokens(entra: Emulator, refresh: Get) -> None:
    """Members of the family answer with foci and take each other's refresh tokens; others do not."""
    body = refresh(AZURE_CLI, f"{ARM} offline_access").json()
    assert body["foci"] == "1"
    assert refresh(TEAMS, GRAPH, refresh_token=body["refresh_token"]).status_code == 200
    assert refresh(VSCODE, GRAPH, refresh_token=body["refresh_token"]).json()["error_codes"] == [700007]
    assert "foci" not in refresh(VSCODE, GRAPH).json()


def test_graph_tools_require_consent(entra: Emulator, refresh: Get, claims: Any) -> None:
    """The Graph command line tools get what somebody consented to, and nothing of other APIs."""
    assert refresh(GRAPH_TOOLS, "https://graph.microsoft.com/Mail.Read").json()["error_codes"] == [65001]
    assert refresh(GRAPH_TOOLS, ARM).json()["error_codes"] == [65002]
    entra.grant(GRAPH_TOOLS, "graph", scopes=["Mail.Read"])
    token = claims(refresh(GRAPH_TOOLS, "https://graph.microsoft.com/Mail.Read").json()["access_token"])
    assert token["scp"] == "Mail.Read"


def test_an_organizations_own_api_requires_consent(entra: Emulator, refresh: Get) -> None:
    """Nothing is preauthorized at an API that is not Microsoft's."""
    assert refresh(AZURE_CLI, "api://northwind-orders/.default").json()["error_codes"] == [65001]
    entra.grant(AZURE_CLI, "api://northwind-orders", scopes=["Orders.Read"])
    assert refresh(AZURE_CLI, "api://northwind-orders/.default").status_code == 200


def test_a_configuration_may_have_its_own(entra: Emulator, refresh: Get) -> None:
    """An emulator's changes to such a client stay its own; a disabled one is refused."""
    client = entra.find_app(AZURE_CLI)
    client.enabled = False
    assert refresh(AZURE_CLI, ARM).json()["error_codes"] == [7000112]
    with Emulator() as other:
        assert other.find_app(AZURE_CLI).enabled


def _packaged(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def test_both_registries_have_the_same_identifiers() -> None:
    """mstoken's list and the emulator's, two files of two packages, name the same identifiers and applications."""
    theirs: dict[str, str] = {}
    app_id = ""
    for line in _packaged("mstoken.services", "first_party.txt").splitlines():
        if line.startswith("@"):
            app_id = line[1:]
        elif line.startswith(" "):
            theirs[line.strip()] = app_id
    ours = {
        uri: app_id
        for app_id, uris in tomllib.loads(_packaged("entra_emulator", "data/first_party.toml")).items()
        for uri in uris
    }
    assert ours == theirs
    assert len(ours) == 3550


@pytest.mark.parametrize(
    "identifier",
    [
        "https://substrate.office.com",
        "https://enrollment.manage.microsoft.com/",
        "https://officeapps.live.com",
        "80ccca67-54bd-44ab-8625-4b79c4dc7775",
        "https://org1234.crm4.dynamics.com",
        "https://org1234.api.crm19.dynamics.com/",
        "HTTPS://Compliance.Microsoft.com",
        "api://AzureFMITokenExchange",
    ],
)
def test_microsofts_apis_are_known(entra: Emulator, app_token: Get, claims: Any, identifier: str) -> None:
    """Each gets a token whose audience is the identifier as requested; a tenant may be without it."""
    answer = app_token(f"{identifier}/.default")
    assert answer.status_code == 200, answer.json()
    found = find_first_party(identifier, None) or find_registered(identifier, None)
    assert found
    assert claims(answer.json()["access_token"])["aud"] == (found.app_id if found.token_version == 2 else identifier)
    entra.state.default_tenant.without.append(found.app_id)
    assert app_token(f"{identifier}/.default").json()["error_codes"] == [500011]


def test_every_registered_identifier_is_found() -> None:
    """All 3,550, with and without a slash at the end; a star stands for one label or segment."""
    for app_id, uris in tomllib.loads(_packaged("entra_emulator", "data/first_party.toml")).items():
        for uri in uris:
            for form in (uri, uri.rstrip("/"), f"{uri}/", uri.replace("*", "one")):
                found = find_first_party(form, "public") or find_registered(form, "public")
                assert found is not None, form
                assert found.app_id == app_id, form
    assert find_registered("https://two.labels.crm4.dynamics.com", None) is None
    assert find_registered("https://crm4.dynamics.com.evil.example", None) is None


def test_the_fmi_exchange_has_its_own_audience(app_token: Get, claims: Any) -> None:
    """Tokens for federated managed identities are for an application of their own."""
    token = app_token("api://AzureFMITokenExchange/.default").json()["access_token"]
    assert claims(token)["aud"] == "a9dd8a2a-df54-4ae0-84f9-38c8d57e5265"


@pytest.mark.parametrize("host", ["login.microsoftonline.us", "login.partner.microsoftonline.cn"])
def test_identifiers_are_the_public_clouds(entra: Emulator, proxied: httpx.Client, host: str) -> None:
    """In another cloud an identifier of the list means nothing, the application's id does."""
    app = entra.state.default_app
    form = {"client_id": app.id, "client_secret": app.secrets[0].value, "grant_type": "client_credentials"}
    url = f"https://{host}/{app.tenant}/oauth2/v2.0/token"
    scopes = {"https://compliance.microsoft.com/.default": 400, "80ccca67-54bd-44ab-8625-4b79c4dc7775/.default": 200}
    for scope, status in scopes.items():
        assert proxied.post(url, data={**form, "scope": scope}).status_code == status

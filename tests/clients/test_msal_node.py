"""msal-node, unchanged. It has no proxy setting of its own any more: Node's fetch is given HTTPS_PROXY instead."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from tests.support.certificates import identity
from tests.support.node import FOLDER, NodeProgram, needs_node
from tests.support.oidc_issuer import SUBJECT, OidcIssuer
from tests.support.scripted_user import ScriptedUser, use_emulator_environment

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Source
from entra_emulator.model import Certificate, FederatedCredential, Grant
from entra_emulator.resources import GRAPH as GRAPH_ID

pytestmark = needs_node

COMMAND_LINE = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
NADIA = "nadia@northwind-partner.example"
OTTO = "otto@northwind-partner.example"
NETWORK, CACHE = {"from": "network"}, {"from": "cache"}
both_ways = pytest.mark.parametrize("authority", ["by name", "by URL"], indirect=True)
Auth = dict[str, Any]


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Emulator, NodeProgram]]:
    """One emulator and one program for the module, because Node takes its time to start."""
    with Emulator() as emulator, pytest.MonkeyPatch.context() as patch:
        use_emulator_environment(emulator, patch)
        person = ScriptedUser(emulator, NADIA)
        program = NodeProgram("msal_node.mjs", person)
        yield emulator, program
        program.close()
        person.close()


@pytest.fixture
def entra(shared: tuple[Emulator, NodeProgram]) -> Iterator[Emulator]:
    """The shared emulator, as it was at the start."""
    emulator, _ = shared
    before = copy.deepcopy(vars(emulator.state))
    yield emulator
    vars(emulator.state).update(before)
    emulator.requests.clear()


@pytest.fixture
def node(shared: tuple[Emulator, NodeProgram]) -> NodeProgram:
    program = shared[1]
    program.forget()
    return program


@pytest.fixture
def auth(entra: Emulator, authority: str) -> Auth:
    """How msal-node is told who asks: the default application with its secret."""
    app = entra.state.default_app
    return {"clientId": app.id, "authority": authority, "clientSecret": app.secrets[0].value}


def without_secret(auth: Auth, **proof: Any) -> Auth:
    return {name: value for name, value in auth.items() if name != "clientSecret"} | proof


def test_the_emulator_command_is_sufficient() -> None:
    """`python -m entra_emulator -- node …` points a program at the emulator; its source knows nothing of it."""
    node = ["node", "--import", str(FOLDER / "env_proxy.mjs"), str(FOLDER / "app_token.mjs")]
    command = [sys.executable, "-m", "entra_emulator", "--", *node]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "Bearer\n"), done.stderr


@both_ways
def test_applications(entra: Emulator, node: NodeProgram, auth: Auth) -> None:
    """Secret, certificate with and without its chain, and a federated assertion; the second token is from the cache."""
    made, issuer = identity(1), OidcIssuer()
    app = entra.state.default_app
    app.certificates = [Certificate(made.certificate_pem().decode())]
    app.federated = [FederatedCredential(issuer.url, SUBJECT)]
    assert node.run("client_credentials", auth=auth) == NETWORK
    assert node.run("client_credentials", auth=auth) == CACHE
    proof = {
        "thumbprintSha256": made.certificate.fingerprint(SHA256()).hex(),
        "privateKey": made.key_pem().decode(),
    }
    chain = {**proof, "x5c": made.certificate_pem().decode()}
    for certificate in (proof, chain):
        assert node.run("client_credentials", auth=without_secret(auth, clientCertificate=certificate)) == NETWORK
    assert node.run("assertion", auth=without_secret(auth), assertion=issuer.token()) == NETWORK
    issuer.close()


@both_ways
def test_users(entra: Emulator, node: NodeProgram, auth: Auth) -> None:
    """Code with PKCE, refresh token and device code; silent tokens for another API with the account of the answer."""
    she = {"from": "network", "user": NADIA}
    assert node.run("authorization_code", auth=auth) == {**she, "silent": she}
    taken_over = {**auth, "clientCapabilities": ["cp1"]}
    assert node.run("refresh_token", auth=taken_over, refresh_token=entra.sign_in(NADIA)) == {**she, "silent": she}
    tool = without_secret(auth, clientId=COMMAND_LINE)
    assert node.run("interactive", auth=tool) == she
    assert node.run("device_code", auth=tool) == she


def test_a_user_flow(entra: Emulator, node: NodeProgram) -> None:
    """A sign-in at Azure AD B2C with its account, and a silent token; another flow is not known there."""
    entra.state.default_tenant.grants.append(Grant(COMMAND_LINE, ORDERS, scopes=["Orders.Read"]))
    base = "https://northwindpartner.b2clogin.com/northwindpartner.onmicrosoft.com"
    auth = {"clientId": COMMAND_LINE, "knownAuthorities": ["northwindpartner.b2clogin.com"]}
    read = {"scopes": ["api://northwind-orders/Orders.Read"]}
    assert node.run("interactive", auth={**auth, "authority": f"{base}/B2C_1_susi"}, **read)["from"] == "network"
    unknown = node.run("interactive", auth={**auth, "authority": f"{base}/B2C_1_unknown"}, **read)
    assert unknown["errorCode"] == "endpoints_resolution_error"


def test_external_id(entra: Emulator, node: NodeProgram) -> None:
    """An application and a user at the tenant's host; a wrong secret is refused.

    The issuer has the tenant's id, so msal-node accepts the authority with the tenant's name only beside that host.
    """
    app, tenant = entra.state.default_app, entra.state.default_tenant.id
    by_id: Auth = {"authority": f"https://northwindpartner.ciamlogin.com/{tenant}"}
    by_name: Auth = {"authority": "https://northwindpartner.ciamlogin.com/"}
    auth = {"clientId": app.id, "clientSecret": app.secrets[0].value}
    assert node.run("client_credentials", auth={**auth, **by_id}) == NETWORK
    assert node.run("client_credentials", auth={**auth, **by_name})["errorCode"] == "endpoints_resolution_error"
    by_name["knownAuthorities"] = ["northwindpartner.ciamlogin.com", f"{tenant}.ciamlogin.com"]
    assert node.run("client_credentials", auth={**auth, **by_name}) == NETWORK
    she = {"from": "network", "user": NADIA}
    assert node.run("interactive", auth={"clientId": COMMAND_LINE, **by_id}) == she
    assert node.run("client_credentials", auth={**auth, **by_id, "clientSecret": "wrong"})["errorNo"] == 7000215


@both_ways
def test_password(entra: Emulator, node: NodeProgram, auth: Auth) -> None:
    """A user's password."""
    tool = without_secret(auth, clientId=COMMAND_LINE)
    said = node.run("password", auth=tool, username=OTTO, password=entra.state.settings.password)
    assert said == {"from": "network", "user": OTTO}


@both_ways
def test_on_behalf_of(entra: Emulator, node: NodeProgram, auth: Auth, callers_token: str) -> None:
    """A web API acts for its caller, after consent; the answer is kept for the same caller."""
    api = {**auth, "clientId": ORDERS, "clientSecret": entra.state.apps[ORDERS].secrets[0].value}
    refused = node.run("on_behalf_of", auth=api, assertion=callers_token)
    assert (refused["error"], refused["subError"]) == ("InteractionRequiredAuthError", "consent_required")
    entra.state.default_tenant.grants.append(Grant(app=ORDERS, resource=GRAPH_ID, scopes=["User.Read"]))
    first = node.run("on_behalf_of", auth=api, assertion=callers_token)
    assert (first["from"], first["user"]) == ("network", NADIA)
    assert node.run("on_behalf_of", auth=api, assertion=callers_token)["from"] == "cache"


SOURCES: list[Source] = ["imds", "app_service", "azure_ml", "cloud_shell", "service_fabric"]


@pytest.mark.parametrize("source", SOURCES)
def test_managed_identity(entra: Emulator, nadia: ScriptedUser, source: Source) -> None:
    """ManagedIdentityApplication finds the kind of machine once a process, and gets a token from it."""
    program = NodeProgram("msal_node.mjs", nadia)
    with entra.machine() as machine:
        assert program.run("managed_identity", environment=machine.environment(source))["from"] == "network"
    program.close()


def test_national_clouds(entra: Emulator, node: NodeProgram, auth: Auth) -> None:
    """The government's and China's sign-in hosts, with msal-node's own list of clouds."""
    for host, resource in (
        ("login.microsoftonline.us", "https://graph.microsoft.us"),
        ("login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
    ):
        there = {**auth, "authority": f"https://{host}/{entra.state.default_tenant.id}"}
        assert node.run("client_credentials", auth=there, scopes=[f"{resource}/.default"]) == NETWORK
        assert entra.token_requests[-1].host == host


def test_a_wrong_secret(entra: Emulator, node: NodeProgram, auth: Auth) -> None:
    """ServerError with the OAuth error and Entra's number; no retry, and asked again at the next call."""
    wrong = {**auth, "clientSecret": "wrong"}
    for _ in range(2):
        said = node.run("client_credentials", auth=wrong)
        assert (said["error"], said["errorCode"], said["errorNo"]) == ("ServerError", "invalid_client", 7000215)
    assert len(entra.token_requests) == 2


def test_a_400_is_not_remembered(entra: Emulator, node: NodeProgram, auth: Auth) -> None:
    """Unlike MSAL for Python, msal-node asks again after a 400."""
    for _ in range(2):
        said = node.run("client_credentials", auth=auth, scopes=["https://nowhere.example/.default"])
        assert (said["error"], said["errorCode"], said["errorNo"]) == ("ServerError", "invalid_resource", 500011)
    assert len(entra.token_requests) == 2


def test_a_second_factor_is_needed(entra: Emulator, node: NodeProgram, auth: Auth) -> None:
    """Where a person could help it is InteractionRequiredAuthError, which programs look for."""
    found = entra.state.user(OTTO)
    assert found
    found[1].mfa_required = True
    tool = without_secret(auth, clientId=COMMAND_LINE)
    said = node.run("password", auth=tool, username=OTTO, password=entra.state.settings.password)
    assert (said["error"], said["subError"]) == ("InteractionRequiredAuthError", "basic_action")


def test_a_failing_service(entra: Emulator, node: NodeProgram, auth: Auth) -> None:
    """429 and 503 without JSON are AuthErrors about the answer's form; they are not retried, and it asks again."""
    for status in (429, 503):
        entra.inject(status=status, retry_after_in=30)
        said = node.run("client_credentials", auth=auth)
        assert (said["error"], said["errorCode"]) == ("AuthError", "token_parsing_error")
    assert node.run("client_credentials", auth=auth) == NETWORK
    assert [one.status for one in entra.token_requests] == [429, 503, 200]


def test_a_lost_connection(entra: Emulator, node: NodeProgram, auth: Auth) -> None:
    """A cut connection is AuthError with network_error, and is not retried."""
    entra.inject(cut="before")
    said = node.run("client_credentials", auth=auth)
    assert (said["error"], said["errorCode"]) == ("AuthError", "network_error")
    assert [one.status for one in entra.token_requests] == [0]


def test_a_code_with_the_wrong_verifier(node: NodeProgram, auth: Auth) -> None:
    """PKCE is enforced."""
    said = node.run("authorization_code", auth=auth, verifier="x" * 43)
    assert (said["error"], said["errorNo"]) == ("ServerError", 501481)

"""Microsoft's libraries for Go and coreos/go-oidc, unchanged, in one program: tests/clients/go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support import client_stories as stories
from tests.support.builds import GO
from tests.support.certificates import identity
from tests.support.language_client import LanguageClient, restored, running

from entra_emulator.managed_identity.machine import Source

pytestmark = pytest.mark.languages
both_ways = pytest.mark.parametrize("go", ["by name", "by URL"], indirect=True)
both_libraries = pytest.mark.parametrize("library", ["azidentity", "msal"])
AZIDENTITY_ERROR, MSAL_ERROR = "AuthenticationFailedError", "CallErr"


@pytest.fixture(scope="module")
def shared() -> Iterator[LanguageClient]:
    """One program for the module."""
    output = GO.output()
    with running([str(output / "program")], output) as client:
        yield client


@pytest.fixture
def go(shared: LanguageClient, request: pytest.FixtureRequest) -> Iterator[LanguageClient]:
    with restored(shared, request) as client:
        yield client


@both_ways
@both_libraries
def test_applications(go: LanguageClient, library: str) -> None:
    """A secret, and a certificate with its chain."""
    made = identity(1)
    go.trust_certificate(made)
    stories.application(go, f"{library} secret", secret=go.secret)
    stories.application(go, f"{library} certificate", certificate=made.pem().decode())


@both_ways
def test_federated_assertion(go: LanguageClient) -> None:
    """azidentity's function gives another issuer's token."""
    stories.federated_assertion(go, "azidentity assertion", AZIDENTITY_ERROR)


@both_ways
@both_libraries
def test_device_code(go: LanguageClient, library: str) -> None:
    """A person enters the code."""
    stories.user(go, f"{library} device code")


@both_ways
def test_browser_and_code(go: LanguageClient) -> None:
    """MSAL Go's own loopback server, and a website's code."""
    stories.user(go, "msal interactive")
    stories.user(go, "msal code", client=go.entra.state.default_app.id, secret=go.secret)


@both_ways
def test_password(go: LanguageClient) -> None:
    """Otto's password, and a wrong one."""
    stories.password(go, "msal password", MSAL_ERROR)


@both_ways
def test_password_of_a_federated_user(go: LanguageClient) -> None:
    """Ann's password, by WS-Trust."""
    stories.federated_password(go, "msal password")


@both_ways
def test_on_behalf_of(go: LanguageClient) -> None:
    """An API acts for its caller."""
    stories.on_behalf_of(go, "azidentity on behalf of")


def test_default_credential_reads_the_environment(go: LanguageClient) -> None:
    """DefaultAzureCredential in the environment of `python -m entra_emulator -- CMD`."""
    stories.default_credential(go, "azidentity environment")


SOURCES: list[Source] = ["app_service", "azure_ml", "cloud_shell", "service_fabric"]


@pytest.mark.parametrize("source", SOURCES)
@both_libraries
def test_managed_identity(library: str, source: Source) -> None:
    """Each platform whose address is in the environment; IMDS has a fixed address, and Azure Arc a fixed folder.

    A process of its own, because MSAL Go has one cache for all managed identities of a process.
    """
    output = GO.output()
    with running([str(output / "program")], output) as go, go.entra.machine() as machine:
        given = {"client": "", "environment": machine.environment(source), "scope": f"{stories.ARM}/.default"}
        outcome = stories.succeeded(go.run(f"{library} managed identity", **given))
        assert outcome["token"]["aud"] == stories.ARM
        assert [one.status for one in machine.requests] == [200]


@both_ways
@pytest.mark.parametrize(("library", "error"), [("azidentity", AZIDENTITY_ERROR), ("msal", MSAL_ERROR)])
def test_refused_secret(go: LanguageClient, library: str, error: str) -> None:
    """A wrong secret."""
    stories.refused_secret(go, f"{library} secret", error)


@both_libraries
def test_unknown_tenant(go: LanguageClient, library: str) -> None:
    """A tenant that does not exist is 90002."""
    assert "AADSTS90002" in go.run(f"{library} secret", tenant="nowhere.example", secret=go.secret)["text"]


@both_ways
def test_website(go: LanguageClient) -> None:
    """go-oidc as relying party."""
    stories.website(go, "oidc sign in")


@both_ways
def test_api(go: LanguageClient) -> None:
    """go-oidc verifies access tokens."""
    stories.api(go, "oidc validate", other_audience="expected audience", signature="failed to verify signature")

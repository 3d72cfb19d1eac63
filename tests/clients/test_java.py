"""Microsoft's libraries for Java (azure-identity, msal4j) and Nimbus, in one program: tests/clients/java."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import client_stories as stories
from tests.support.builds import JAVA
from tests.support.certificates import PASSWORD, identity
from tests.support.java import java_options
from tests.support.language_client import LanguageClient, restored, running

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Source

pytestmark = pytest.mark.languages
both_ways = pytest.mark.parametrize("java", ["by name", "by URL"], indirect=True)
both_libraries = pytest.mark.parametrize("library", ["azure-identity", "msal4j"])
ERRORS = {"azure-identity": "RuntimeException", "msal4j": "MsalServiceException"}


def settings(entra: Emulator) -> dict[str, str]:
    """What Java needs beside the variables of a command."""
    return {"JAVA_TOOL_OPTIONS": java_options(entra)}


def command(output: Path) -> list[str]:
    """Few threads and no optimizing compiler: the program is short."""
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{output}/classes:{output}/lib/*", "Clients"]


@pytest.fixture(scope="module")
def shared() -> Iterator[LanguageClient]:
    """One program for the module."""
    output = JAVA.output()
    with running(command(output), output, settings) as client:
        yield client


@pytest.fixture
def java(shared: LanguageClient, request: pytest.FixtureRequest) -> Iterator[LanguageClient]:
    with restored(shared, request) as client:
        yield client


@both_ways
def test_applications(java: LanguageClient) -> None:
    """A secret, and a certificate with its chain, as azure-identity (PEM) and msal4j (PFX) take it."""
    made = identity(1)
    java.trust_certificate(made)
    stories.application(java, "azure-identity secret", secret=java.secret)
    stories.application(java, "azure-identity certificate", certificate=made.pem().decode())
    stories.application(java, "msal4j secret", secret=java.secret)
    pfx = base64.b64encode(made.pfx(PASSWORD)).decode()
    stories.application(java, "msal4j certificate", pfx=pfx, password=PASSWORD)


@both_ways
def test_federated_assertion(java: LanguageClient) -> None:
    """azure-identity's function gives another issuer's token."""
    stories.federated_assertion(java, "azure-identity assertion", ERRORS["azure-identity"])


@both_ways
@both_libraries
def test_device_code(java: LanguageClient, library: str) -> None:
    """A person enters the code."""
    stories.user(java, f"{library} device code")


@both_ways
def test_browser_and_code(java: LanguageClient) -> None:
    """msal4j's own loopback server, and a website's code."""
    stories.user(java, "msal4j interactive")
    stories.user(java, "msal4j code", client=java.entra.state.default_app.id, secret=java.secret)


@both_ways
def test_password(java: LanguageClient) -> None:
    """Otto's password, and a wrong one."""
    stories.password(java, "msal4j password", "MsalInteractionRequiredException")


@both_ways
def test_password_of_a_federated_user(java: LanguageClient) -> None:
    """Ann's password, by WS-Trust."""
    stories.federated_password(java, "msal4j password")


@both_ways
def test_on_behalf_of(java: LanguageClient) -> None:
    """An API acts for its caller."""
    stories.on_behalf_of(java, "azure-identity on behalf of")


def test_default_credential_reads_the_environment(java: LanguageClient) -> None:
    """DefaultAzureCredential in the environment of a command."""
    stories.default_credential(java, "azure-identity environment")


SOURCES: list[Source] = ["app_service", "cloud_shell"]


@pytest.mark.parametrize("source", SOURCES)
def test_managed_identity(source: Source) -> None:
    """msal4j on each platform whose address is in the environment, which Java reads once a process."""
    output = JAVA.output()
    with Emulator() as outside, outside.machine() as machine:
        place = machine.environment(source)
        with running(command(output), output, lambda entra: settings(entra) | place) as java:
            outcome = stories.succeeded(java.run("msal4j managed identity"))
        assert outcome["token"]["aud"] == stories.ARM
        assert [one.status for one in machine.requests] == [200]


@both_ways
@both_libraries
def test_refused_secret(java: LanguageClient, library: str) -> None:
    """A wrong secret."""
    stories.refused_secret(java, f"{library} secret", ERRORS[library])


@both_ways
def test_website(java: LanguageClient) -> None:
    """Nimbus as relying party."""
    stories.website(java, "nimbus sign in")


@both_ways
def test_api(java: LanguageClient) -> None:
    """Nimbus validates access tokens, as Spring Security does with it."""
    stories.api(java, "nimbus validate", other_audience="JWT aud claim rejected", signature="Invalid signature")

"""@azure/identity, openid-client and jose, unchanged, in one program: tests/node/identity.mjs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support import client_stories as stories
from tests.support.certificates import identity
from tests.support.language_client import LanguageClient, restored, running
from tests.support.node import FOLDER, command, needs_node

pytestmark = [pytest.mark.languages, needs_node]
both_ways = pytest.mark.parametrize("node", ["by name", "by URL"], indirect=True)
ERROR = "AuthenticationRequiredError"


@pytest.fixture(scope="module")
def shared() -> Iterator[LanguageClient]:
    """One program for the module."""
    with running(command("identity.mjs"), FOLDER) as client:
        yield client


@pytest.fixture
def node(shared: LanguageClient, request: pytest.FixtureRequest) -> Iterator[LanguageClient]:
    with restored(shared, request) as client:
        yield client


@both_ways
def test_applications(node: LanguageClient) -> None:
    """A secret, and a certificate with its chain."""
    made = identity(1)
    node.trust_certificate(made)
    stories.application(node, "identity secret", secret=node.secret)
    stories.application(node, "identity certificate", certificate=made.pem().decode())


@both_ways
def test_federated_assertion(node: LanguageClient) -> None:
    """A function gives another issuer's token."""
    stories.federated_assertion(node, "identity assertion", ERROR)


@both_ways
def test_device_code(node: LanguageClient) -> None:
    """A person enters the code."""
    stories.user(node, "identity device code")


@both_ways
def test_on_behalf_of(node: LanguageClient) -> None:
    """An API acts for its caller."""
    stories.on_behalf_of(node, "identity on behalf of")


def test_default_credential_reads_the_environment(node: LanguageClient) -> None:
    """DefaultAzureCredential in the environment of `python -m entra_emulator -- CMD`."""
    stories.default_credential(node, "identity environment")


@both_ways
def test_refused_secret(node: LanguageClient) -> None:
    """A wrong secret."""
    stories.refused_secret(node, "identity secret", ERROR)


def test_unknown_tenant(node: LanguageClient) -> None:
    """A tenant that does not exist."""
    outcome = node.run("identity secret", secret=node.secret, tenant="5f2b3c1e-0000-4000-8000-000000000001")
    assert outcome["error"] == ERROR
    assert "AADSTS90002" in outcome["text"]


@both_ways
def test_website(node: LanguageClient) -> None:
    """openid-client as relying party."""
    node.entra.state.default_app.redirect_uris.append("http://localhost:5000/signed-in")
    stories.website(node, "openid-client sign in")


@both_ways
def test_api(node: LanguageClient) -> None:
    """jose verifies access tokens."""
    stories.api(
        node, "jose validate", other_audience='unexpected "aud" claim value', signature="signature verification failed"
    )

"""node-saml, unchanged, as a SAML service provider, and a WS-Federation relying party: tests/node/saml.mjs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.language_client import NADIA, LanguageClient, restored, running
from tests.support.node import FOLDER, command, needs_node

pytestmark = [pytest.mark.languages, needs_node]
both_ways = pytest.mark.parametrize("site", ["by name", "by URL"], indirect=True)
IDENTIFIER = "https://intranet.example/saml"
BACK = "http://localhost:5000/signed-in"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


@pytest.fixture(scope="module")
def shared() -> Iterator[LanguageClient]:
    """One program for the module."""
    with running(command("saml.mjs"), FOLDER) as client:
        yield client


@pytest.fixture
def site(shared: LanguageClient, request: pytest.FixtureRequest) -> Iterator[LanguageClient]:
    """The program, and an application with its identifier and reply URL."""
    with restored(shared, request) as client:
        client.entra.add_app("Intranet", identifier_uris=[IDENTIFIER], redirect_uris=[BACK])
        yield client


def run(site: LanguageClient, flow: str, **given: Any) -> dict[str, Any]:
    return site.run(flow, identifier=IDENTIFIER, **given)


@both_ways
def test_saml_sign_in(site: LanguageClient) -> None:
    """By the tenant's metadata: issuer, signature, audience, recipient, times and the request's id are checked."""
    outcome = run(site, "saml")
    assert "error" not in outcome, outcome
    profile = outcome["profile"]
    assert (profile["nameID"], profile[f"{CLAIMS}/name"], outcome["state"]) == (NADIA, NADIA, "the-state")
    tenant = site.entra.state.default_tenant
    assert profile["issuer"] == f"https://sts.windows.net/{tenant.id}/"
    assert profile["http://schemas.microsoft.com/identity/claims/tenantid"] == tenant.id


def test_a_persistent_name(site: LanguageClient) -> None:
    """Another NameID format, by the request's policy: the same at each sign-in, and not the user name."""
    first, second = (run(site, "saml", format=PERSISTENT)["profile"] for _ in range(2))
    assert first["nameIDFormat"] == PERSISTENT
    assert first["nameID"] == second["nameID"] != NADIA


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"replace": [NADIA, "otto@northwind-partner.example"]}, "Invalid signature"),
        ({"replace": ["Recipient=", "Other="]}, "Invalid signature"),
        ({"audience": "https://another.example"}, "audience"),
    ],
)
def test_a_response_that_is_not_for_the_website(site: LanguageClient, given: dict[str, Any], text: str) -> None:
    """A changed assertion, and one for another audience, are refused by node-saml."""
    assert text in run(site, "saml", **given)["text"]


def test_a_passive_request_without_a_session(site: LanguageClient) -> None:
    """The website gets NoPassive, which node-saml names; nobody is signed in."""
    site.entra.revoke(NADIA)
    outcome = run(site, "saml", passive=True)
    assert "NoPassive" in outcome["text"]
    assert "profile" not in outcome


@both_ways
def test_ws_federation_sign_in(site: LanguageClient) -> None:
    """The token's signature is that of a published key; a changed token's is not."""
    outcome = run(site, "wsfed")
    expected = {"name": NADIA, "audience": IDENTIFIER, "trusted": True, "state": "the-state", "action": "wsignin1.0"}
    assert outcome == expected
    assert run(site, "wsfed", replace=[NADIA, "otto@northwind-partner.example"])["trusted"] is False

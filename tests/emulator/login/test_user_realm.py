"""User realm discovery in its three versions."""

from __future__ import annotations

from xml.etree import ElementTree

import httpx
import pytest

from entra_emulator import Emulator

MANAGED = "otto@northwind-partner.example"
FEDERATED = "ann@federated.example"
UNKNOWN = "somebody@nowhere.example"
PERSONAL = "robin@outlook.example"


@pytest.fixture
def entra(entra: Emulator) -> Emulator:
    """A tenant with a domain of its own identity provider."""
    tenant = entra.state.default_tenant
    tenant.domains.append("federated.example")
    tenant.federated_domains = ["federated.example"]
    return entra


@pytest.mark.parametrize(
    ("user", "kind"),
    [(MANAGED, "Managed"), (FEDERATED, "Federated"), (UNKNOWN, "Unknown"), (PERSONAL, "Federated")],
)
def test_the_versions_agree(entra: Emulator, http: httpx.Client, user: str, kind: str) -> None:
    """All versions name the same kind of realm, in the path, in the query and as JSON of GetUserRealm.srf."""
    realm = f"{entra.authority}/common/userrealm"
    assert http.get(f"{realm}/{user}?api-version=1.0").json()["account_type"] == kind
    assert http.get(realm, params={"user": user, "api-version": "1.0"}).json()["account_type"] == kind
    for url in (
        f"{realm}/?user={user}&api-version=2.1&checkForMicrosoftAccount=true",
        f"{realm}/{user}?api-version=2.1",
    ):
        body = http.get(url).json()
        assert (body["NameSpaceType"], body["Login"]) == (kind, user)
    body = http.get(f"{entra.authority}/getuserrealm.srf?login={user}&json=1").json()
    assert (body["NameSpaceType"], body["Login"]) == (kind, user)


def test_a_managed_domain_as_srf(entra: Emulator, http: httpx.Client) -> None:
    """The members of GetUserRealm.srf in their order, in any letter case of the path, by GET and POST."""
    expected = {
        "State": 4,
        "UserState": 1,
        "Login": MANAGED,
        "NameSpaceType": "Managed",
        "DomainName": "northwind-partner.example",
        "FederationBrandName": "Northwind Partner",
        "CloudInstanceName": "microsoftonline.com",
        "CloudInstanceIssuerUri": "urn:federation:MicrosoftOnline",
    }
    url = f"{entra.authority}/GetUserRealm.srf"
    assert list(http.get(url, params={"login": MANAGED}).json().items()) == list(expected.items())
    assert http.post(url, data={"login": MANAGED}).json() == expected


@pytest.mark.parametrize(("user", "federated"), [(MANAGED, "false"), (FEDERATED, "true")])
def test_the_xml_form(entra: Emulator, http: httpx.Client, user: str, federated: str) -> None:
    """`xml=1` answers XML that says whether the namespace is federated, and escapes what the request sent."""
    answer = http.get(f"{entra.authority}/getuserrealm.srf", params={"login": user, "xml": "1"})
    root = ElementTree.fromstring(answer.text)  # noqa: S314  # the emulator's own answer
    assert (root.tag, root.attrib["Success"]) == ("RealmInfo", "true")
    assert (root.findtext("IsFederatedNS"), root.findtext("Login")) == (federated, user)
    assert (f"{entra.authority}/adfs/ls/" in (root.findtext("AuthURL") or "")) == (user == FEDERATED)
    odd = http.get(f"{entra.authority}/getuserrealm.srf", params={"login": "<a&b>@x", "xml": "1"})
    assert ElementTree.fromstring(odd.text).findtext("Login") == "<a&b>@x"  # noqa: S314


@pytest.mark.parametrize(
    ("user", "exists", "domain_type", "preferred"),
    [
        (MANAGED, 0, 3, 1),
        ("nobody@northwind-partner.example", 1, 3, 1),
        (FEDERATED, 0, 4, 4),
        (UNKNOWN, 1, 1, 1),
        (PERSONAL, 5, 2, 1),
    ],
)
def test_the_credential_type(
    entra: Emulator, http: httpx.Client, user: str, exists: int, domain_type: int, preferred: int
) -> None:
    """GetCredentialType tells whether a user exists, of which kind the domain is, and where federated users sign in."""
    for path, name in (("common/GetCredentialType", "username"), ("organizations/getcredentialtype", "Username")):
        body = http.post(f"{entra.authority}/{path}", json={name: user, "isOtherIdpSupported": True}).json()
        assert (body["Username"], body["IfExistsResult"]) == (user, exists)
        assert body["EstsProperties"]["DomainType"] == domain_type
        assert body["Credentials"]["PrefCredential"] == preferred
        assert ("FederationRedirectUrl" in body["Credentials"]) == (user == FEDERATED)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"not json", b'{"username": " "}', b'{"username": 7}'])
def test_a_credential_type_of_nobody(entra: Emulator, http: httpx.Client, content: bytes) -> None:
    answer = http.post(f"{entra.authority}/common/GetCredentialType", content=content)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [900144])


def test_a_domain_alone_is_found(entra: Emulator, http: httpx.Client) -> None:
    """Tools ask with a domain in place of a user name."""
    body = http.get(f"{entra.authority}/getuserrealm.srf?login=northwind-partner.example").json()
    assert body["NameSpaceType"] == "Managed"

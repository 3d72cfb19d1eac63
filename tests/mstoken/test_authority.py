"""Authorities of External ID and Azure AD B2C: what names a tenant and a user flow, and what is refused."""

from __future__ import annotations

import pytest

from mstoken import Browser, Client, ClientSecret, UsageError
from mstoken.authority import Authority, tenant_in

GUID = "11111111-2222-4333-8444-555555555551"
NAME = "contoso.onmicrosoft.com"
B2C, CIAM = "https://contoso.b2clogin.com", "https://contoso.ciamlogin.com"


@pytest.mark.parametrize(
    ("written", "origin", "policy"),
    [
        (f"{B2C}/{NAME}/B2C_1_susi", B2C, "B2C_1_susi"),
        (f"{B2C}/{NAME}/B2C_1_susi/", B2C, "B2C_1_susi"),
        (f"contoso.b2clogin.com/{NAME}/b2c_1a_SUSI", B2C, "b2c_1a_SUSI"),
        (f"https://Contoso.B2CLogin.com/tfp/{NAME}/B2C_1_susi/v2.0/", B2C, "B2C_1_susi"),
        (f"https://contoso.b2clogin.cn/{NAME}/B2C_1_susi", "https://contoso.b2clogin.cn", "B2C_1_susi"),
        (f"https://login.contoso.com/{NAME}/B2C_1A_susi", "https://login.contoso.com", "B2C_1A_susi"),
        (f"https://login.contoso.com/tfp/{NAME}/B2C_1_susi", "https://login.contoso.com", "B2C_1_susi"),
        (f"https://localhost:8443/{NAME}/B2C_1_susi", "https://localhost:8443", "B2C_1_susi"),
    ],
)
def test_a_user_flow_has_endpoints_of_its_own(written: str, origin: str, policy: str) -> None:
    authority = Authority.of(written, "")
    assert (authority.origin, authority.tenant, authority.policy) == (origin, NAME, policy)
    assert authority.token_endpoint == f"{origin}/{NAME}/{policy}/oauth2/v2.0/token"
    assert authority.base_url == f"{origin}/{NAME}/{policy.lower()}"
    assert tenant_in(written) == NAME
    assert Authority.of(written, NAME.upper()) == authority
    assert Authority.of(authority.url, "") == authority
    assert not authority.knows_services


@pytest.mark.parametrize(
    ("written", "tenant", "expected"),
    [
        (f"{CIAM}/", "", NAME),
        ("contoso.ciamlogin.com", "", NAME),
        (f"{CIAM}/{GUID}", "", GUID),
        (f"{CIAM}/{GUID}/v2.0", "", GUID),
        (f"{CIAM}/{GUID}", GUID.upper(), GUID.upper()),
        (f"https://{GUID}.ciamlogin.com", "", GUID),
        (CIAM, GUID, GUID),
        (CIAM, "contoso.com", "contoso.com"),
    ],
)
def test_the_host_of_external_id_names_the_tenant(written: str, tenant: str, expected: str) -> None:
    authority = Authority.of(written, tenant)
    assert authority.url == f"{authority.origin}/{expected}"
    assert authority.token_endpoint == f"{authority.origin}/{expected}/oauth2/v2.0/token"
    assert (authority.knows_services, authority.external, authority.policy) == (True, True, "")


def test_an_own_domain_of_external_id_takes_the_tenant_as_a_setting() -> None:
    assert Authority.of("https://login.contoso.com", GUID).url == f"https://login.contoso.com/{GUID}"
    assert tenant_in("https://login.contoso.com") == tenant_in("https://login.microsoftonline.com") == ""


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        (B2C, f"{B2C}/{NAME}/B2C_1_NAME"),
        (f"{B2C}/{NAME}", f"{B2C}/{NAME}/B2C_1_NAME"),
        (f"{B2C}/{NAME}/susi", f"Did you mean {B2C}/{NAME}/B2C_1_susi?"),
        (f"{B2C}/B2C_1_susi", f"Did you mean {B2C}/{NAME}/B2C_1_susi?"),
        (f"{B2C}/{NAME}?p=B2C_1_susi", f"Did you mean {B2C}/{NAME}/B2C_1_susi?"),
        (f"{B2C}/{NAME}/oauth2/v2.0/token?p=B2C_1_susi", f"Did you mean {B2C}/{NAME}/B2C_1_susi?"),
        (f"{B2C}/{NAME}/B2C_1_susi/oauth2/v2.0/token", f"Did you mean {B2C}/{NAME}/B2C_1_susi?"),
        (f"{B2C}/{NAME}/B2C_1_susi?x=1", f"Did you mean {B2C}/{NAME}/B2C_1_susi?"),
        (f"{B2C}/tfp/{NAME}/B2C_1_a/B2C_1_b", f"Did you mean {B2C}/{NAME}/B2C_1_a?"),
        (f"https://login.contoso.com/tfp/{NAME}/susi", f"https://login.contoso.com/{NAME}/B2C_1_susi"),
        (f"{CIAM}/{GUID}/oauth2/v2.0/token", f"{CIAM}/TENANT"),
        (f"{CIAM}/?tenant=x", f"{CIAM}/TENANT"),
        (f"http://contoso.b2clogin.com/{NAME}/B2C_1_susi", "https"),
        (f"https://user:hunter2@contoso.b2clogin.com/{NAME}/B2C_1_susi", "https"),
    ],
)
def test_what_is_no_authority_is_refused_with_the_right_one(written: str, remedy: str) -> None:
    for make in (Authority.of, lambda host, _: Authority.without_tenant(host)):
        with pytest.raises(UsageError) as caught:
            make(written, "")
        assert remedy in caught.value.remedy
        assert "hunter2" not in f"{caught.value} {caught.value.remedy}"


@pytest.mark.parametrize("written", [f"{B2C}/{NAME}/B2C_1_susi", f"{CIAM}/{NAME}"])
def test_two_tenants_are_refused(written: str) -> None:
    with pytest.raises(UsageError, match=f"names the tenant {NAME}, the setting {GUID}"):
        Client(GUID, "id", ClientSecret("s"), written)


def test_a_user_flow_stays_in_its_tenant() -> None:
    authority = Authority.of(f"{B2C}/{NAME}/B2C_1_susi", "")
    assert authority.for_tenant(NAME.title()) is authority
    with pytest.raises(UsageError, match=r"belongs to the tenant contoso\.onmicrosoft\.com, not to other\.com"):
        authority.for_tenant("other.com")
    client = Client("", "id", Browser(), authority)
    with pytest.raises(UsageError, match="belongs to the tenant"):
        client.token_request("https://contoso.onmicrosoft.com/api/read", tenant_id="other.com")
    assert Authority.of(CIAM, "").for_tenant("other.com").url == f"{CIAM}/other.com"


def test_a_client_shows_its_user_flow() -> None:
    client = Client("", "id", ClientSecret("hidden"), f"{B2C}/{NAME}/B2C_1_susi")
    assert f"'{B2C}/{NAME}/B2C_1_susi'" in repr(client)
    assert "hidden" not in repr(client)

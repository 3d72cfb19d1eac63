"""Optional claims: each one of Microsoft's reference is issued where it is configured, or is on the parity page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from entra_emulator import ConfigError, Emulator
from entra_emulator.model import App, Location, User
from entra_emulator.tokens.optional_claims import ELSEWHERE, NO_EFFECT, PROPERTIES, parse, problem

Get = Callable[..., httpx.Response]
PAGE = Path(__file__).resolve().parents[3] / "docs" / "emulator-parity.md"
OTTO = "otto@northwind-partner.example"
ORDERS, SCOPE = "api://northwind-orders", "api://northwind-orders/Orders.Read"
REFERENCE = {
    *("acct", "acrs", "auth_time", "ctry", "email", "fwd", "groups", "idtyp", "login_hint", "sid", "tenant_ctry"),
    *("tenant_region_scope", "upn", "verified_primary_email", "verified_secondary_email", "vnet", "xms_cc", "xms_edov"),
    *("xms_pdl", "xms_pl", "xms_tpl", "ztdid"),
    *("ipaddr", "onprem_sid", "pwd_exp", "pwd_url", "in_corp", "family_name", "given_name"),  # of v2.0 tokens
    *("aud", "preferred_username"),  # of v1.0 tokens
}
VALUES: dict[str, Any] = {
    "acct": 0,
    "ctry": "NL",
    "email": "otto@northwind-partner.example",
    "family_name": "Falk",
    "given_name": "Otto",
    "in_corp": "true",
    "ipaddr": "203.0.113.7",
    "onprem_sid": "S-1-5-21-1",
    "preferred_username": OTTO,
    "tenant_ctry": "NL",
    "tenant_region_scope": "EU",
    "upn": OTTO,
    "verified_primary_email": [OTTO],
    "verified_secondary_email": ["falk@northwind-partner.example"],
    "xms_edov": True,
    "xms_pdl": "EUR",
    "xms_pl": "nl-nl",
    "xms_tpl": "nl",
}


@pytest.fixture
def api(entra: Emulator) -> App:
    """The API of the built-in configuration, in a tenant and for a user about whom everything is known."""
    tenant, user = entra.state.default_tenant, entra.find_user(OTTO)[1]
    tenant.region, tenant.language = "EU", "nl"
    tenant.locations.append(Location("Office", ["203.0.113.0/24"], trusted=True))
    user.properties |= {
        "country": "NL",
        "preferredLanguage": "nl-nl",
        "preferredDataLocation": "EUR",
        "onPremisesSecurityIdentifier": "S-1-5-21-1",
        "otherMails": ["falk@northwind-partner.example", "otto@elsewhere.example"],
        "extension_0123456789abcdef0123456789abcdef_skypeId": "otto.falk",
    }
    return next(app for app in entra.state.apps.values() if ORDERS in app.identifier_uris)


@pytest.fixture
def access(entra: Emulator, user_token: Get, claims: Any) -> Callable[..., dict[str, Any]]:
    """The claims of an access token of Otto for the API."""

    def get(scope: str = SCOPE, user: str = OTTO, **form: Any) -> dict[str, Any]:
        answer = user_token(scope, user, headers={"X-Forwarded-For": "203.0.113.7"}, **form)
        return dict(claims(answer.json()["access_token"]))

    return get


@pytest.fixture
def identity(entra: Emulator, user_token: Get, claims: Any) -> Callable[..., dict[str, Any]]:
    """The claims of an ID token of Otto."""

    def get(scope: str = f"{SCOPE} openid profile", user: str = OTTO, **form: Any) -> dict[str, Any]:
        answer = user_token(scope, user, headers={"X-Forwarded-For": "203.0.113.7"}, **form)
        return dict(claims(answer.json()["id_token"]))

    return get


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", VALUES)
def test_access_tokens_of_an_api_have_its_claims(
    api: App, access: Callable[..., dict[str, Any]], name: str, version: int
) -> None:
    """A claim that the API's registration lists is in the access token with the user's or the tenant's value."""
    api.token_version = version
    api.optional_claims = [name]
    assert access()[name] == VALUES[name]


@pytest.mark.parametrize("name", VALUES)
def test_id_tokens_have_the_claims_of_the_client(
    entra: Emulator, identity: Callable[..., dict[str, Any]], api: App, name: str
) -> None:
    """A claim that the client's registration lists is in its ID tokens, and in no other's."""
    entra.state.default_app.id_token_claims = [name]
    assert identity()[name] == VALUES[name]
    entra.state.default_app.id_token_claims = []
    assert name == "preferred_username" or name not in identity()


def test_claims_are_in_alphabetical_order(api: App, access: Callable[..., dict[str, Any]]) -> None:
    """The five of issue come first, the others follow as Entra sorts them."""
    api.optional_claims = list(VALUES)
    names = list(access())
    assert names[:5] == ["aud", "iss", "iat", "nbf", "exp"]
    assert names[5:] == sorted(names[5:])


def test_the_time_and_session_of_the_sign_in(
    entra: Emulator, api: App, access: Callable[..., dict[str, Any]], user_token: Get
) -> None:
    """`auth_time` is when the user signed in, `sid` the session; a refresh changes neither."""
    api.optional_claims = ["auth_time", "sid"]
    token = entra.sign_in(OTTO, sid="00112233-4455-6677-8899-aabbccddeeff")
    signed_in_on = int(entra.clock.now())
    entra.clock.advance(600)
    first = access(refresh_token=token)
    again = access(refresh_token=user_token(SCOPE, refresh_token=token).json()["refresh_token"])
    for found in (first, again):
        assert abs(found["auth_time"] - signed_in_on) < 60
        assert found["sid"] == "00112233-4455-6677-8899-aabbccddeeff"


def test_names_in_id_tokens_need_the_profile_scope(
    entra: Emulator, identity: Callable[..., dict[str, Any]], api: App
) -> None:
    """Without `profile` the optional names and the UPN stay out of the ID token."""
    entra.state.default_app.id_token_claims = ["family_name", "given_name", "upn", "ipaddr"]
    found = identity(f"{SCOPE} openid")
    assert "ipaddr" in found
    assert not {"family_name", "given_name", "upn"} & set(found)


def test_the_type_of_a_token(api: App, access: Callable[..., dict[str, Any]], app_token: Get, claims: Any) -> None:
    """`idtyp` is in an application's token, and in a user's only with its additional property."""
    api.optional_claims = ["idtyp"]
    assert "idtyp" not in access()
    assert claims(app_token(f"{ORDERS}/.default").json()["access_token"])["idtyp"] == "app"
    api.optional_claims = ["idtyp:include_user_token"]
    assert access()["idtyp"] == "user"


def test_the_audience_as_an_id(api: App, access: Callable[..., dict[str, Any]]) -> None:
    """`aud` with `use_guid` makes the audience of v1.0 tokens the API's id, whatever the request named."""
    api.token_version = 1
    assert access()["aud"] == ORDERS
    api.optional_claims = ["aud:use_guid"]
    assert access()["aud"] == api.id


def test_capabilities_where_the_api_lists_them(api: App, access: Callable[..., dict[str, Any]]) -> None:
    """`xms_cc` says what the client can handle; only continuous access evaluation makes tokens live longer."""
    request = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'
    assert "xms_cc" not in access(claims=request)
    api.optional_claims = ["xms_cc"]
    found = access(claims=request)
    assert found["xms_cc"] == ["cp1"]
    assert found["exp"] - found["iat"] < 6000


def test_a_guests_upn(entra: Emulator, api: App, access: Callable[..., dict[str, Any]]) -> None:
    """A guest's UPN is in the token only with an additional property, as the tenant stores it."""
    customer = entra.state.default_customer
    assert customer
    customer.users.append(User(OTTO, "Otto Falk", home=entra.state.default_tenant.id))
    entra.grant(entra.state.default_app, api, scopes=["Orders.Read"], tenant=customer)
    api.audience = "multiple"
    entra.grant(api, "graph", scopes=["User.Read"], tenant=customer)
    stored = f"otto_northwind-partner.example{{0}}EXT{{0}}@{customer.domain}"
    for declared, upn in (
        ("upn", None),
        ("upn:include_externally_authenticated_upn", stored.format("#")),
        ("upn:include_externally_authenticated_upn_without_hash", stored.format("_")),
    ):
        api.optional_claims = [declared]
        assert access(tenant=customer.id).get("upn") == upn


def test_an_extension_of_the_directory(api: App, access: Callable[..., dict[str, Any]]) -> None:
    """An extension's claim is named after its attribute."""
    api.optional_claims = ["extension_0123456789abcdef0123456789abcdef_skypeId"]
    assert access()["extn.skypeId"] == "otto.falk"


def test_unknown_properties_of_a_user_are_omitted(
    entra: Emulator, api: App, access: Callable[..., dict[str, Any]]
) -> None:
    """A claim without a value is not in the token: claims are there only if there is something to say."""
    api.optional_claims = ["ctry", "xms_pl", "onprem_sid", "verified_secondary_email", "email", "xms_edov"]
    found = access(user="nadia@northwind-partner.example")
    assert {name for name in api.optional_claims if name in found} == {"email", "xms_edov"}
    entra.find_user(OTTO)[1].properties["country"] = "Netherlands"
    assert "ctry" not in access()


def test_an_applications_own_token_has_the_tenants_claims(api: App, app_token: Get, claims: Any) -> None:
    """Without a user only the claims about the tenant are issued."""
    api.optional_claims = list(VALUES)
    found = claims(app_token(f"{ORDERS}/.default").json()["access_token"])
    assert {name for name in VALUES if name in found} == {"tenant_ctry", "tenant_region_scope", "xms_tpl"}


def test_a_login_hint_names_its_user(
    entra: Emulator, http: httpx.Client, identity: Callable[..., dict[str, Any]], api: App
) -> None:
    """The opaque `login_hint` claim is taken as the parameter of that name: the page begins with the user's name."""
    app = entra.state.default_app
    app.id_token_claims = ["login_hint"]
    hint = identity()["login_hint"]
    assert OTTO not in hint
    query = {"client_id": app.id, "response_type": "code", "scope": "openid", "login_hint": hint}
    page = http.get(f"{entra.authority}/{app.tenant}/oauth2/v2.0/authorize", params=query).text
    assert f'value="{OTTO}"' in page


def test_every_documented_claim_is_supported() -> None:
    """The table has the claims of Microsoft's reference; those without effect are on the parity page."""
    assert problem(REFERENCE) == ""
    assert REFERENCE - set(VALUES) == ELSEWHERE | NO_EFFECT | {"auth_time", "login_hint", "sid"}
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in NO_EFFECT)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("e-mail", "'e-mail' is not an optional claim"),
        ("extension_12_skypeId", "is not an optional claim"),
        ("groups:netbios_domain_and_sam_account_name", "has no property"),
        ("upn:use_guid", "has no property"),
    ],
)
def test_an_unknown_claim_is_refused(entra: Emulator, declared: str, words: str) -> None:
    """A configuration with an unknown claim or additional property cannot be used."""
    state = entra.snapshot()
    for name in ("optional_claims", "id_token_claims"):
        changed = {**state, "apps": [{**state["apps"][0], name: [declared]}, *state["apps"][1:]]}
        with pytest.raises(ConfigError, match=words):
            Emulator(changed)


def test_additional_properties_are_parsed() -> None:
    """A claim's properties follow it, each after a colon."""
    wanted = parse(("groups:sam_account_name:emit_as_roles", "upn"))
    assert wanted.names == {"groups", "upn"}
    assert wanted.has("groups", "emit_as_roles")
    assert not wanted.has("upn", PROPERTIES["upn"][0])

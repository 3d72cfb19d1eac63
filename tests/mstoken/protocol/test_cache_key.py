"""Which requests share a cached token: the same ones, at Entra in any letter case, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.tool_stand_ins import StandIn

from mstoken import (
    AgentIdentity,
    AgentUser,
    Authority,
    AuthorizationCode,
    AzureCli,
    AzureDeveloperCli,
    AzurePowerShell,
    Browser,
    ClientSecret,
    DeviceCode,
    FmiPath,
    ManagedIdentity,
    OnBehalfOf,
    Password,
    RefreshToken,
)
from mstoken.credentials import Chain, Credential
from mstoken.credentials.base import joined_name
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.model import TokenInfo, TokenRequest
from mstoken.protocol.cache_key import account_name, cache_key, client_parts, token_info
from mstoken.values import replace

SECRET = ClientSecret("s3cret")
ENTRA = Authority.of("login.microsoftonline.com", "contoso.onmicrosoft.com")
OTHER = Authority.oauth("https://as.example/realms/Orders/token?tier=Gold")

AT_ENTRA = TokenRequest(ENTRA, "6731DE76-14a6", SECRET, ("https://api.example/READ", "openid"))
ELSEWHERE = TokenRequest(OTHER, "Reports", SECRET, ("READ", "openid"))

texts = st.text(alphabet="aA:\\ ,1\x1f\ud800%", max_size=4)
several = st.lists(texts, min_size=1, max_size=4)


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ("https://api.example/read", "openid")},
        {"client_id": "6731de76-14A6"},
        {"authority": Authority.of("login.microsoftonline.com", "CONTOSO.onmicrosoft.com")},
        {"authority": Authority.of("https://LOGIN.microsoftonline.com:443/", "contoso.onmicrosoft.com")},
        {"scopes": ("openid", "https://api.example/READ")},
    ],
)
def test_at_entra_letter_case_and_order_do_not_count(change: dict[str, Any]) -> None:
    """Entra treats these as the same question, so they share a token."""
    assert cache_key(replace(AT_ENTRA, **change)) == cache_key(AT_ENTRA)
    assert client_parts(replace(AT_ENTRA, **change)) == client_parts(AT_ENTRA)


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": ("read", "openid")},
        {"scopes": ("READ", "OpenID")},
        {"client_id": "reports"},
        {"authority": Authority.oauth("https://as.example/realms/orders/token?tier=Gold")},
        {"authority": Authority.oauth("https://as.example/Realms/Orders/token?tier=Gold")},
        {"authority": Authority.oauth("https://as.example/realms/Orders/token?tier=gold")},
    ],
)
def test_at_a_standard_server_letter_case_counts(change: dict[str, Any]) -> None:
    """RFC 6749 section 3.3 (scopes) and RFC 3986 section 6.2.2.1 (paths): these are different questions."""
    assert cache_key(replace(ELSEWHERE, **change)) != cache_key(ELSEWHERE)


@pytest.mark.parametrize(
    "url",
    ["HTTPS://as.example/realms/Orders/token?tier=Gold", "https://AS.Example:443/realms/Orders/token?tier=Gold"],
)
def test_scheme_and_host_never_count_by_letter_case(url: str) -> None:
    """RFC 3986 section 6.2.2.1: only these two components ignore it."""
    assert cache_key(replace(ELSEWHERE, authority=Authority.oauth(url))) == cache_key(ELSEWHERE)


def test_user_names_are_case_sensitive_at_a_standard_server() -> None:
    """`Anna` and `anna` may be two users there; at Entra they are one."""
    names = [Password(name, "pw") for name in ("Anna", "anna")]
    elsewhere = {cache_key(replace(ELSEWHERE, credential=one)) for one in names}
    at_entra = {cache_key(replace(AT_ENTRA, credential=one)) for one in names}
    assert (len(elsewhere), len(at_entra)) == (2, 1)


def test_two_realms_of_one_host_have_separate_sign_ins() -> None:
    """The name under which a refresh token is kept tells the realms apart."""
    realms = [Authority.oauth(f"https://as.example/realms/{realm}/token") for realm in ("a", "A", "b")]
    asked = [replace(ELSEWHERE, authority=realm, credential=Password("anna", "pw")) for realm in realms]
    assert len({account_name(one) for one in asked}) == 3


def test_removing_one_scope_keeps_another_that_differs_in_letter_case() -> None:
    """`covers` compares as the server does: letter case counts for what came from a standard OAuth server."""
    kept = token_info(ELSEWHERE)
    assert replace(kept, scope="").covers(kept)
    assert replace(kept, scope="READ").covers(kept)
    assert not replace(kept, scope="read").covers(kept)
    assert not replace(kept, client_id="reports").covers(kept)
    assert not replace(kept, authority="https://as.example/realms/orders/token?tier=Gold").covers(kept)
    assert TokenInfo(tenant="CONTOSO.onmicrosoft.com", scope="HTTPS://api.example").covers(token_info(AT_ENTRA))


def test_a_token_endpoint_without_a_path_is_a_standard_server_too() -> None:
    """Its place ends in a slash (RFC 3986 section 6.2.3), which tells it from Entra's origin."""
    kept = token_info(replace(ELSEWHERE, authority=Authority.oauth("https://as.example")))
    assert kept.authority == "https://as.example/"
    assert not TokenInfo(scope="read").covers(kept)


@given(several, several)
def test_different_parts_never_have_the_same_fingerprint(one: list[str], other: list[str]) -> None:
    """Whatever the parts contain: separators, escapes, nothing, text that is not Unicode."""
    assert (fingerprint_of_parts(*one) == fingerprint_of_parts(*other)) == (one == other)
    assert (joined_name(*one) == joined_name(*other)) == (one == other)


filled = texts.filter(bool)
machines = st.sampled_from(["client_id", "object_id", "resource_id"])
holders: st.SearchStrategy[tuple[Credential, Any]] = st.one_of(
    st.just((SECRET, "app")),
    filled.map(lambda name: (RefreshToken(account=name), ("account", name))),
    filled.map(lambda value: (RefreshToken(value), ("value", value))),
    filled.map(lambda name: (Browser(account=name), ("account", name))),
    texts.map(lambda name: (Browser(login_hint=name), ("person", name))),
    st.just((DeviceCode(), ("person", ""))),
    filled.map(lambda name: (Password(name, "pw"), ("person", name))),
    filled.map(lambda path: (FmiPath(SECRET, path), ("path", path))),
    filled.map(lambda agent: (AgentIdentity(SECRET, agent), ("agent", agent))),
    st.builds(lambda a, n: (AgentUser(AgentIdentity(SECRET, a), username=n), ("user", a, n)), filled, filled),
    st.builds(lambda a, n: (AgentUser(AgentIdentity(SECRET, a), user_id=n), ("user id", a, n)), filled, filled),
    st.builds(lambda t, a: (OnBehalfOf(t, AgentIdentity(SECRET, a)), ("caller", t, "", a)), filled, filled),
    st.builds(lambda t, key: (OnBehalfOf(t, SECRET, key), ("caller", t, key)), filled, texts),
    st.builds(lambda kind, name: (ManagedIdentity(**{kind: name}), ("machine", kind, name.lower())), machines, filled),
)
"""A credential, and whose token it stands for."""


@given(holders, holders)
def test_different_partitions_have_different_keys(one: tuple[Credential, Any], other: tuple[Credential, Any]) -> None:
    """Two credentials have one key exactly when they stand for the same holder."""
    keys = [credential.cache_partition(OTHER) for credential, _ in (one, other)]
    assert (keys[0] == keys[1]) == (one[1] == other[1])


def tool_of(folder: Path, user: str) -> dict[str, str]:
    """The environment of somebody who is signed in to az, azd and Azure PowerShell."""
    home = folder / user
    home.mkdir()
    tool = StandIn(home, "az")
    tool.signed_in(user)
    return tool.environment


USERS: dict[type, Callable[[Path, str], Credential]] = {
    RefreshToken: lambda _, user: RefreshToken(f"refresh-token-of-{user}"),
    Browser: lambda _, user: Browser(login_hint=user),
    AuthorizationCode: lambda _, user: AuthorizationCode(f"code-of-{user}", "http://localhost"),
    DeviceCode: lambda _, user: DeviceCode(account=user),
    Password: lambda _, user: Password(user, "pw"),
    OnBehalfOf: lambda _, user: OnBehalfOf(f"token-of-{user}", SECRET),
    AgentUser: lambda _, user: AgentUser(AgentIdentity(SECRET, "agent"), username=user),
    AzureCli: lambda folder, user: AzureCli(environment=tool_of(folder, user)),
    AzurePowerShell: lambda folder, user: AzurePowerShell(environment=tool_of(folder, user)),
    AzureDeveloperCli: lambda folder, user: AzureDeveloperCli(environment=tool_of(folder, user)),
}
"""Each credential that acts for a user, for one user. Of a device code, only the account tells who will enter it."""


def test_every_credential_that_acts_for_a_user_is_in_this_test() -> None:
    """A new one must show that its users are told apart. A chain has no cache entry of its own."""
    assert {kind for kind in get_args(Credential) if vars(kind)["acts_for_user"] is not False} == {*USERS, Chain}


PLACES = (AT_ENTRA, ELSEWHERE)


def share_a_token(kind: type, folder: Path) -> bool:
    """Whether Anna and Otto, each with a credential of this class, get the same cached token."""
    anna, otto = (USERS[kind](folder, user) for user in ("anna", "otto"))
    return any(cache_key(replace(at, credential=anna)) == cache_key(replace(at, credential=otto)) for at in PLACES)


@pytest.mark.parametrize("kind", USERS, ids=lambda kind: kind.__name__)
def test_two_users_never_share_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: type) -> None:
    """At Entra and elsewhere. With a partition that is the same for all, they would."""
    (tmp_path / "own").mkdir()
    (tmp_path / "constant").mkdir()
    assert not share_a_token(kind, tmp_path / "own")
    monkeypatch.setattr(kind, "cache_partition", lambda *_: "user")
    assert share_a_token(kind, tmp_path / "constant")


requests = st.builds(
    lambda client_id, scopes, claims, key_id, cae: replace(
        ELSEWHERE, client_id=client_id, scopes=tuple(scopes), claims=claims, key_id=key_id, enable_cae=cae
    ),
    texts,
    st.lists(filled.filter(lambda scope: " " not in scope), max_size=3, unique=True),
    st.sampled_from(["", "cp1", '{"a":1}']),
    st.sampled_from(["", "cp1", "key"]),
    st.booleans(),
)


@given(requests, requests)
def test_different_token_requests_have_different_keys(one: TokenRequest, other: TokenRequest) -> None:
    """At a standard OAuth server two requests have one key exactly when nothing but the order of scopes differs."""
    same = replace(one, scopes=()) == replace(other, scopes=()) and set(one.scopes) == set(other.scopes)
    assert (cache_key(one) == cache_key(other)) == same

"""A URL means what it says: sent as it was meant, or refused with the right spelling; never cut in silence."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService

from mstoken import (
    Authority,
    Client,
    ClientSecret,
    ManagedIdentity,
    UsageError,
    key_vault_refresh_tokens,
    key_vault_secret,
)
from mstoken.protocol.job_token import github_request
from mstoken.protocol.pop import PopRequest
from mstoken.stores.redis_stores import redis_stores
from mstoken.urls import bare_origin, check_url, encoded_url

GUEST = "jo_contoso.com#EXT#@fabrikam.onmicrosoft.com"


@pytest.fixture
def api(runner: Runner, token_service: TokenService) -> Any:
    """Call an API at the token service's address with a token from there; the path that arrived."""
    token_service.script = [Reply(200, {"access_token": "x", "expires_in": 3599, "token_type": "Bearer"}), Reply(200)]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)

    def call(path: str) -> str:
        options = {"scope": "graph", "origin": token_service.url}
        runner.run(lambda: client.request("GET", token_service.url + path, **options))
        return token_service.requests[-1].path

    return call


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/users/a%20b", "/users/a%20b"),
        ("/users/a b", "/users/a%20b"),
        ("/users/a%2Fb%23c", "/users/a%2Fb%23c"),
        ("/users?$filter=startswith(mail,'a') and x eq 1", "/users?$filter=startswith(mail,'a')%20and%20x%20eq%201"),
        ('/users?$search="displayName:José"', "/users?$search=%22displayName:Jos%C3%A9%22"),
        ("/a//b/../c/?", "/a//b/../c/?"),
        ("/drive/root:/Q1+Q2 (100%25).xlsx:/content", "/drive/root:/Q1+Q2%20(100%25).xlsx:/content"),
        ("/users/anna@contoso.com/messages", "/users/anna@contoso.com/messages"),
    ],
)
def test_a_url_is_sent_unchanged(api: Any, written: str, sent: str) -> None:
    """What is encoded stays; what a URL cannot hold is encoded; nothing is decoded, collapsed or dropped."""
    assert api(written) == sent


@pytest.mark.parametrize(
    ("written", "spelling"),
    [
        (f"/users/{GUEST}", "%23EXT%23@fabrikam.onmicrosoft.com"),
        ("/groups/C#", "/groups/C%23"),
        ("/users?$filter=mail eq '#1'", "%23"),
        ("/files/100%", "/files/100%25"),
        ("/files/100%zz", "/files/100%25zz"),
        ("/users/CONTOSO\\anna", "/users/CONTOSO%5Canna"),
        ("/users?$filter=name eq 'CONTOSO\\anna'", "%5C"),
        ("/users/a\nb", "Take it out"),
        ("/users/a\tb", "Take it out"),
    ],
)
def test_a_url_that_would_be_truncated_is_refused_with_the_right_spelling(
    api: Any, token_service: TokenService, written: str, spelling: str
) -> None:
    """A fragment, a guest's user name, a lone percent sign, a backslash, a line break: before anything is sent."""
    with pytest.raises(UsageError) as caught:
        api(written)
    assert spelling in caught.value.remedy
    assert token_service.requests == []


@pytest.mark.parametrize(
    ("host", "advice"),
    [
        ("https://sts.contoso.com/adfs", "https://sts.contoso.com/adfs/oauth2/token"),
        ("sts.contoso.com/adfs/", "https://sts.contoso.com/adfs/oauth2/token"),
        ("https://login.microsoftonline.com/fabrikam.com", "tenant fabrikam.com"),
        ("https://login.microsoftonline.com/common/oauth2/v2.0/token", "https://login.microsoftonline.com"),
        ("https://login.microsoftonline.com?tenant=x", "https://login.microsoftonline.com"),
        ("https://login.microsoftonline.com/#x", "https://login.microsoftonline.com"),
    ],
)
def test_an_authoritys_path_is_not_dropped(host: str, advice: str) -> None:
    """AD FS has a token endpoint of its own, and the tenant is a setting."""
    with pytest.raises(UsageError, match="would be lost") as caught:
        Authority.of(host, TENANT)
    assert advice in caught.value.remedy
    with pytest.raises(UsageError, match="would be lost"):
        Client(TENANT, CLIENT_ID, ClientSecret("s"), host)


def test_an_authority_may_repeat_the_tenant() -> None:
    """As MSAL's authorities do: it says the same twice."""
    assert Authority.of(f"https://login.microsoftonline.com/{TENANT.upper()}/", TENANT).origin.endswith("online.com")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Authority.oauth("https://id.example/token#x"),
        lambda: Authority.oauth("https://id.example/a%token"),
        lambda: bare_origin("https://gateway.example/orders", "The origin"),
        lambda: bare_origin("https://gateway.example?x=1", "The origin"),
        lambda: key_vault_refresh_tokens("https://v.vault.azure.net/secrets/x", Client.managed_identity()),
        lambda: key_vault_secret("v.vault.azure.net/secrets", "x", Client.managed_identity()),
        lambda: PopRequest("https://host/a#b"),
        lambda: PopRequest("https://host/100%"),
        lambda: github_request("https://pipelines.example/token?x=1#y", "t", "a"),
    ],
)
def test_no_setting_drops_a_part_of_its_url(make: Any) -> None:
    """Token endpoints, origins, vaults, the URL to sign for, and what a platform says."""
    with pytest.raises(UsageError):
        make()


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:pa#ss@host:6379/0",
        "redis://user:12?4@host:6379",
        "redis://user:12/4@host:6379",
        "rediss://host:6380/tokens",
        "redis://host:6379/0/1",
        "redis://user:50%@host",
        "redis://user:pa\\ss@host",
    ],
)
def test_a_stores_url_is_not_parsed_as_another_host(url: str) -> None:
    """A password with # / or ? moves the end of the host; a database that is no number would be number 0."""
    with pytest.raises(UsageError) as caught:
        redis_stores(url)
    shown = str(caught.value)
    assert not any(part in shown for part in ("ss@", "4@", "50%", "user"))


@pytest.mark.parametrize("host", ["http://127.0.0.1:1/?x=1", "http://127.0.0.1:1/#x", "http://127.0.0.1:1/a\\b"])
def test_the_metadata_services_host_is_parsed_strictly(runner: Runner, host: str) -> None:
    """Its path goes on behind it, so a query there would swallow the path."""
    identity = ManagedIdentity(environment={"AZURE_POD_IDENTITY_AUTHORITY_HOST": host})
    client = runner.client("", "", identity)
    with pytest.raises(UsageError, match="AZURE_POD_IDENTITY_AUTHORITY_HOST"):
        runner.run(lambda: client.get_token("arm"))


@pytest.mark.parametrize(
    "url",
    [
        "https://user:12/4#secret@host",
        "https://host/x?key=secret#y",
        "https://host/x#access_token=secret",
        "https://host/" + "secret" * 100 + "#",
    ],
)
def test_the_right_spelling_repeats_no_secret(url: str) -> None:
    """Only a URL without user, query and assignments is spelled out."""
    with pytest.raises(UsageError) as caught:
        check_url(url, "The URL")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://h/a b", "https://h/é", "https://h?x y", "https://h/%2f?%20"])
def test_encoding_twice_changes_nothing(url: str) -> None:
    """What is encoded already is not encoded again."""
    assert encoded_url(encoded_url(url)) == encoded_url(url)

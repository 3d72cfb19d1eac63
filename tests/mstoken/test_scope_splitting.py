"""Several scopes in one text, and texts that are none: split as OAuth and people split them, and never widened."""

from __future__ import annotations

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService

from mstoken import Authority, ClientSecret, RefreshToken, SignInRequired
from mstoken.errors import UsageError
from mstoken.services import Scope, resolve_all

GRAPH = "https://graph.microsoft.com"
SITE = (
    f"{GRAPH}/v1.0/sites/contoso.sharepoint.com,2c71a3f0-0000-4000-8000-000000000001,2c71a3f0-0000-4000-8000-00000002"
)
READ = (f"{GRAPH}/User.Read", f"{GRAPH}/Mail.Read")
DEFAULT_AND_MORE = (f"{GRAPH}/.default", "openid", "offline_access")


@pytest.mark.parametrize(
    ("texts", "scopes"),
    [
        (("User.Read Mail.Read",), READ),
        (("User.Read,Mail.Read",), READ),
        (("User.Read, Mail.Read",), READ),
        ((" User.Read\tMail.Read,\n",), READ),
        (("User.Read", "Mail.Read"), READ),
        ((f"{GRAPH}/User.Read,{GRAPH}/Mail.Read",), READ),
        ((f"{GRAPH}/User.Read,Mail.Read",), READ),
        ((Scope("User.Read,Mail.Read"),), READ),
        ((Scope("User.Read Mail.Read"),), READ),
        ((f"{GRAPH}/.default openid offline_access",), DEFAULT_AND_MORE),
        ((f"{GRAPH}/.default,openid,offline_access",), DEFAULT_AND_MORE),
        ((f"{GRAPH}/.default", "openid", "offline_access"), DEFAULT_AND_MORE),
        (("graph openid offline_access",), DEFAULT_AND_MORE),
        ((Scope(f"{GRAPH}/.default openid,offline_access"),), DEFAULT_AND_MORE),
        (("api://orders/read,api://orders/write",), ("api://orders/read", "api://orders/write")),
        (("openid,profile",), ("openid", "profile")),
        ((SITE,), (f"{GRAPH}/.default",)),
        ((f"{GRAPH}/v1.0/users?$select=id,mail",), (f"{GRAPH}/.default",)),
        ((Scope(".default"),), (f"{GRAPH}/.default",)),
    ],
)
def test_one_text_may_hold_several_scopes(texts: tuple[str, ...], scopes: tuple[str, ...]) -> None:
    """Spaces and commas separate scopes (RFC 6749 section 3.3, Connect-MgGraph); a URL's commas are its own."""
    assert resolve_all(texts).scopes == scopes


@pytest.mark.parametrize(
    "texts",
    [
        (f"{GRAPH}/nonsense",),
        (f"{GRAPH}/UserRead",),
        (f"{GRAPH}/User.Read;Mail.Read",),
        (f"{GRAPH}/.defaults",),
        (f"{GRAPH}/.default|offline_access",),
        ("https://vault.azure.net/nonsense",),
        ("https://api.partnercenter.microsoft.com/user-impersonation",),
        ("https://api.powerbi.com/DatasetReadAll",),
        (Scope("nonsense"),),
        (Scope("User.Read;Mail.Read"),),
        (Scope('User.Read"'),),
        (Scope("User.Read\\Mail.Read"),),
        (Scope("User.Réad"),),
        (Scope("User.Read nonsense"),),
        (f"{GRAPH}/User.Read nonsense",),
        ("User.Read,nonsense",),
        (f"{GRAPH}/User.Read,https://vault.azure.net/.default",),
        ("https://outlook.office.com/IMAP.AccessAsUser.All,SMTP.Send",),
    ],
)
def test_an_invalid_scope_is_never_widened(texts: tuple[str, ...]) -> None:
    """A misspelt permission at a resource is refused; it does not turn into all that was consented."""
    with pytest.raises(UsageError):
        resolve_all(texts)


@pytest.mark.parametrize(
    "texts",
    [
        (f"{GRAPH}/.default User.Read",),
        (f"{GRAPH}/.default,{GRAPH}/User.Read,offline_access",),
        ("graph", "Mail.Read", "openid"),
        (Scope(".default"), Scope("User.Read")),
    ],
)
def test_default_beside_permissions_is_refused_with_the_reason(texts: tuple[str, ...]) -> None:
    """Entra's own rule (AADSTS70011), told before anything is sent."""
    with pytest.raises(UsageError, match="single permissions of the same resource") as caught:
        resolve_all(texts)
    assert "offline_access may stand beside it" in caught.value.remedy


@pytest.mark.parametrize(
    ("url", "spelling"),
    [
        (f"{GRAPH}/v1.0/my file", "/v1.0/my%20file"),
        (f"{GRAPH}/v1.0/users?$filter=mail eq 'a@b.c'", "/v1.0/users'?…"),
        ("https://dev.azure.com/org/my project/_apis", "my%20project"),
        ("https://contoso.sharepoint.com/sites/x/Shared Documents, old", "Shared%20Documents"),
    ],
)
def test_a_url_with_a_space_gets_an_error_about_the_url(url: str, spelling: str) -> None:
    """It is not cut at the space, and the message has the right spelling."""
    with pytest.raises(UsageError, match="has a space in it") as caught:
        resolve_all((url,))
    assert spelling in caught.value.remedy


def test_a_text_as_url_and_as_scope_are_cached_separately(runner: Runner, token_service: TokenService) -> None:
    """The one means all of the service, the other a permission: neither answer stands in for the other."""
    url = f"{GRAPH}/v1.0/me"
    client = runner.client(TENANT, CLIENT_ID, RefreshToken("r"), token_service.url)
    assert client.target(url).scopes == (f"{GRAPH}/.default",)
    assert client.target(Scope(url)).scopes == (url,)
    for _ in range(2):
        runner.run(lambda: client.get_token(url))
        runner.run(lambda: client.get_token(Scope(url)))
    assert [request.form["scope"] for request in token_service.requests] == [f"{GRAPH}/.default", url]


@pytest.mark.parametrize("given", [("a b", "c"), ("a", "b", "c"), (" a  b c ",)])
def test_a_standard_servers_scopes_are_split_at_spaces_only(
    runner: Runner, token_service: TokenService, given: tuple[str, ...]
) -> None:
    """RFC 6749 section 3.3: a comma is a character of a scope there."""
    client = runner.client("", CLIENT_ID, ClientSecret("s"), Authority.oauth(f"{token_service.url}/token"))
    assert client.token_request(*given).scopes == ("a", "b", "c")
    assert client.token_request("a,b").scopes == ("a,b",)
    with pytest.raises(UsageError, match="not a scope"):
        client.token_request('a"b')


def test_openids_scopes_need_a_user(runner: Runner, token_service: TokenService) -> None:
    """An application alone has no sign-in that a refresh token could be for; the message names what is in the way."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    with pytest.raises(SignInRequired, match="offline_access of Microsoft Graph is only given on behalf of a user"):
        runner.run(lambda: client.get_token(f"{GRAPH}/.default offline_access"))
    assert token_service.requests == []

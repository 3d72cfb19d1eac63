"""`mstoken get`: the token on standard output, everything else on standard error, and one request."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import Program, one_token
from tests.support.token_service import TokenService

from entra_emulator import Emulator

CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def test_two_runs_print_one_token_and_send_one_request(at_entra: Program, entra: Emulator) -> None:
    """The token is the only line; the second process prints the same one without a request."""
    before = len(entra.token_requests)
    first, second = one_token(at_entra("get", "graph")), one_token(at_entra("get", "graph"))
    assert first == second
    assert claims(first)["aud"] == "https://graph.microsoft.com"
    assert len(entra.token_requests) == before + 1


def test_every_name_of_a_service_finds_the_same_token(at_entra: Program, entra: Emulator) -> None:
    """Name, URL, resource and scope of a service share one token, so there is one request."""
    before = len(entra.token_requests)
    names = [
        ("graph",),
        ("https://graph.microsoft.com/v1.0/users?$top=1",),
        ("https://graph.microsoft.com/.default",),
        ("--scope", "https://graph.microsoft.com/.default"),
    ]
    assert len({one_token(at_entra("get", *name)) for name in names}) == 1
    assert len(entra.token_requests) == before + 1


def test_tokens_on_a_disk_are_shared_too(at_entra: Program, entra: Emulator, tmp_path: Path) -> None:
    """In a folder that is not in memory the token is encrypted, and the second run sends no request."""
    before = len(entra.token_requests)
    sealed = {"MSTOKEN_CACHE_DIR": str(tmp_path / "cache")}
    first, second = at_entra("get", "graph", **sealed), at_entra("get", "graph", **sealed)
    assert first.out == second.out
    assert len(entra.token_requests) == before + 1


def test_fresh_requests_a_token_and_caches_it(at_entra: Program, entra: Emulator) -> None:
    """After a change of roles --fresh prints a new token, and later calls print that one."""
    old = one_token(at_entra("get", "graph"))
    before = len(entra.token_requests)
    new = one_token(at_entra("get", "graph", "--fresh"))
    assert new != old
    assert one_token(at_entra("get", "graph")) == new
    assert len(entra.token_requests) == before + 1


def test_min_ttl_within_its_life_keeps_the_token(at_entra: Program, entra: Emulator) -> None:
    """A token with enough life left is printed without a request."""
    token = one_token(at_entra("get", "graph"))
    before = len(entra.token_requests)
    assert one_token(at_entra("get", "graph", "--min-ttl", "600")) == token
    assert one_token(at_entra("get", "graph", "--min-ttl=600")) == token
    assert len(entra.token_requests) == before


def test_min_ttl_beyond_the_tokens_life_requests_one_and_warns(at_entra: Program, entra: Emulator) -> None:
    """If the service issues no longer token, it is printed with a warning."""
    at_entra("get", "graph")
    before = len(entra.token_requests)
    result = at_entra("get", "graph", "--min-ttl", "90000")
    assert (result.code, len(result.out.splitlines())) == (0, 1)
    assert "less than --min-ttl 90000" in result.err
    assert len(entra.token_requests) == before + 1


@pytest.mark.parametrize(
    "given",
    [
        CHALLENGE,
        base64.b64encode(CHALLENGE.encode()).decode(),
        base64.urlsafe_b64encode(CHALLENGE.encode()).decode().rstrip("="),
    ],
    ids=["json", "base64", "base64url"],
)
def test_claims_are_sent_in_any_encoding(at_entra: Program, entra: Emulator, given: str) -> None:
    """JSON, base64 and base64url of a challenge send the same claims."""
    assert at_entra("get", "graph", "--claims", given).code == 0
    assert "claims" in entra.token_requests[-1].form


@pytest.mark.parametrize("given", ["nonsense!", "bm9uc2Vuc2U=", '{"x', "[]"])
def test_invalid_claims_are_refused(at_entra: Program, entra: Emulator, given: str) -> None:
    """Anything but a JSON object, plain or in base64, is refused before any request."""
    before = len(entra.token_requests)
    result = at_entra("get", "graph", "--claims", given)
    assert (result.code, result.out) == (2, "")
    assert "claims" in result.err
    assert len(entra.token_requests) == before


def user(program: Program, entra: Emulator, name: str = "nadia@northwind-partner.example") -> dict[str, str]:
    return {"MSTOKEN_REFRESH_TOKEN": entra.sign_in(name)}


def test_permissions_belong_to_the_named_service(at_entra: Program, entra: Emulator) -> None:
    """Bare permissions belong to the service beside them, and several make one token."""
    result = at_entra("get", "graph", "--scope", "User.Read", "--scope", "User.Read.All", **user(at_entra, entra))
    assert set(claims(one_token(result))["scp"].split()) >= {"User.Read", "User.Read.All"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("graph", "--scope", "User.Read,User.Read.All"),
        ("graph", "--scope", "User.Read User.Read.All"),
        ("--scope", "User.Read,User.Read.All"),
        ("User.Read,User.Read.All",),
        ("https://graph.microsoft.com/User.Read https://graph.microsoft.com/User.Read.All",),
        ("https://graph.microsoft.com/v1.0/me", "--scope", "User.Read,User.Read.All"),
    ],
)
def test_several_scopes_in_one_argument(
    at_entra: Program, token_service: TokenService, arguments: tuple[str, ...]
) -> None:
    """Separated by commas, as for Connect-MgGraph, or by spaces, as in OAuth; only these are requested."""
    user_there = {"AZURE_AUTHORITY_HOST": token_service.url, "MSTOKEN_REFRESH_TOKEN": "r"}
    assert at_entra("get", *arguments, **user_there).out == "token-1\n"
    asked = token_service.requests[0].form["scope"].split()
    assert asked == ["https://graph.microsoft.com/User.Read", "https://graph.microsoft.com/User.Read.All"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("graph", "--scope", "nonsense"), "'nonsense' is not the name of a permission"),
        (("graph", "--scope", "User.Read,all"), "'all' is not the name of a permission"),
        (("--scope", "nonsense"), "'nonsense' is not a scope"),
        (("graph", "--scope", "Directory"), "not the name of a permission"),
        (("https://graph.microsoft.com/UserRead",), "neither a scope nor an address of Microsoft Graph"),
        (("https://graph.microsoft.com/v1.0/me", "--scope", "https://vault.azure.net/.default"), "The scopes are of"),
        (("https://graph.microsoft.com/.default User.Read",), "cannot be asked for together with"),
        (("https://graph.microsoft.com/v1.0/my file",), "has a space in it"),
    ],
)
def test_an_invalid_scope_is_refused(at_entra: Program, entra: Emulator, arguments: tuple[str, ...], said: str) -> None:
    """The usage error says what is wrong, and no token with all consented permissions is requested instead."""
    before = len(entra.requests)
    result = at_entra("get", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert len(entra.requests) == before


def test_default_beside_openids_scopes_is_sent(at_entra: Program, entra: Emulator) -> None:
    """`.default offline_access`: all consented permissions, and a refresh token."""
    scopes = set(claims(one_token(at_entra("get", "graph", **user(at_entra, entra))))["scp"].split())
    given = "https://graph.microsoft.com/.default offline_access"
    assert set(claims(one_token(at_entra("get", given, **user(at_entra, entra))))["scp"].split()) == scopes


def test_scopes_of_another_service_are_refused(at_entra: Program) -> None:
    """A name and a scope that contradict each other are an error; a URL only says what the token is for."""
    refused = at_entra("get", "graph", "--scope", "https://vault.azure.net/.default")
    assert (refused.code, refused.out) == (2, "")
    url = "https://somewhere.example/api/things"
    assert claims(one_token(at_entra("get", url, "--scope", "https://graph.microsoft.com/.default")))["aud"]


def test_the_cloud_changes_the_resource(at_entra: Program) -> None:
    """--cloud at a local authority requests the resource of that cloud."""
    assert claims(one_token(at_entra("get", "graph", "--cloud", "usgov")))["aud"] == "https://graph.microsoft.us"


def test_the_tenant_option_wins_over_the_environment(at_entra: Program, entra: Emulator) -> None:
    """The same application gets the token of another customer's tenant."""
    customer = at_entra.environment["ENTRA_EMULATOR_CUSTOMER_TENANT_ID"]
    assert claims(one_token(at_entra("get", "graph", "--tenant", customer)))["tid"] == customer


def test_a_service_that_needs_a_user_is_refused_for_an_application(at_entra: Program, entra: Emulator) -> None:
    """The exit code is 3, with the command to run, before any request."""
    before = len(entra.requests)
    result = at_entra("get", "partner")
    assert (result.code, result.out) == (3, "")
    assert "next: " in result.err
    assert "mstoken login --tenant" in result.err
    assert len(entra.requests) == before


@pytest.mark.parametrize(
    ("arguments", "said", "own"),
    [
        (("partner",), "Partner Center API needs a token", "partner/.default"),
        (("graph", "--scope", "User.Read"), "User.Read of Microsoft Graph is only given", "graph"),
        (("User.Read", "Mail.Read"), "User.Read, Mail.Read of Microsoft Graph are only given", "graph"),
        (("sharepoint:contoso", "--scope", "Sites.Read.All"), "of SharePoint Online", "https://contoso.sharepoint.com"),
    ],
)
def test_the_error_names_what_an_application_can_request_instead(
    at_entra: Program, arguments: tuple[str, ...], said: str, own: str
) -> None:
    """It says whether the service or the permission needs a user, and the last line shows a scope that works."""
    result = at_entra("get", *arguments)
    assert (result.code, result.out) == (3, "")
    assert said in result.err
    assert own in result.err.splitlines()[-1]
    assert at_entra("get", own).code == 0


@pytest.mark.parametrize(
    ("environment", "arguments", "code", "said"),
    [
        ({"AZURE_CLIENT_SECRET": "wrong"}, ("graph",), 4, "AADSTS7000215"),
        ({"AZURE_TENANT_ID": "nowhere.example"}, ("graph",), 4, "AADSTS90002"),
        ({"MSTOKEN_REFRESH_TOKEN": "0.AXbad"}, ("graph",), 3, "AADSTS"),
        ({"AZURE_AUTHORITY_HOST": "https://localhost:1"}, ("graph",), 5, "localhost"),
        ({}, ("grpah",), 2, "Did you mean graph"),
        ({}, (), 2, "No service"),
        ({}, ("graph", "--min-ttl", "soon"), 2, "'soon' is not a valid whole number of seconds"),
        ({}, ("graph", "--output", "xml"), 2, "--output"),
        ({}, ("graph", "--secret", "x"), 2, "There is no option --secret"),
        ({}, ("graph", "--profile", "none"), 2, "There is no profile 'none'"),
        ({}, ("graph", "--cloud", "moon"), 2, "There is no cloud called 'moon'"),
        ({}, ("graph", "--authority", "http://login.example"), 2, "not https"),
        ({"AZURE_CLIENT_SECRET": ""}, ("graph",), 2, "AZURE_CLIENT_SECRET (set, but empty)"),
    ],
)
def test_errors_have_their_exit_codes(
    at_entra: Program, environment: dict[str, str], arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Nothing on standard output, the reason and the next step on standard error, and the documented exit code."""
    result = at_entra("get", *arguments, **environment)
    assert (result.code, result.out) == (code, ""), result.err
    assert result.err.startswith("mstoken: error: ")
    assert said in result.err
    assert "\n  next: " in result.err


def test_a_failure_shows_no_secret_even_when_debugging(at_entra: Program) -> None:
    """The steps with MSTOKEN_DEBUG contain neither the secret nor the refresh token, and no traceback: it is no bug."""
    secrets = {"AZURE_CLIENT_SECRET": "wr0ng~secret", "MSTOKEN_REFRESH_TOKEN": "0.AX-wr0ng-refresh"}
    result = at_entra("get", "graph", MSTOKEN_DEBUG="1", **secrets)
    assert result.code in {3, 4}
    assert "mstoken: debug: request: POST" in result.err
    assert 'File "' not in result.err
    assert "wr0ng" not in result.err


def test_warnings_do_not_disturb_the_result(at_entra: Program) -> None:
    """A variable that a named profile overrides is reported on standard error every time, and the token is printed."""
    who = at_entra.environment | {"AZURE_TENANT_ID": "another"}
    values = f'tenant = "{at_entra.environment["AZURE_TENANT_ID"]}"\nclient_id = "{who["AZURE_CLIENT_ID"]}"\n'
    at_entra.profile(f'[profile.work]\n{values}client_secret = "env:WORK"\n')
    at_entra.environment |= {"AZURE_TENANT_ID": "another", "WORK": who["AZURE_CLIENT_SECRET"]}
    for _ in range(2):
        result = at_entra("get", "graph", "--profile", "work")
        assert (result.code, len(result.out.splitlines())) == (0, 1)
        assert "AZURE_TENANT_ID is set and ignored because the profile work is named." in result.err


def test_a_profile_is_a_complete_identity(anonymous: Program, entra: Emulator) -> None:
    """Tenant, client, authority and a referenced secret of a profile are sufficient."""
    secret = entra.environment()["AZURE_CLIENT_SECRET"]
    del anonymous.environment["AZURE_AUTHORITY_HOST"]
    anonymous.profile(
        f'[profile.default]\ntenant = "{entra.state.default_tenant.id}"\nclient_id = "{entra.state.default_app.id}"\n'
        f'client_secret = "env:MY_SECRET"\nauthority = "{entra.authority}"\n'
    )
    assert claims(one_token(anonymous("get", "graph", MY_SECRET=secret)))["appid"] == entra.state.default_app.id


def test_the_token_is_printed_at_a_terminal_too(at_entra: Program) -> None:
    """The user who types the command wants to see the token."""
    assert at_entra.at_terminal("get", "graph").out == one_token(at_entra("get", "graph")) + "\n"

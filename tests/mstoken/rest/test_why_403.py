"""Why an API refused: what the token carries, beside what the call needs, and what grants it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply
from tests.support.unsigned_tokens import APP, AZURE_CLI, OBJECT, app_v1, jwt, user_v1

from mstoken import ApiRefused, Client, ClientSecret
from mstoken.errors import MstokenError
from mstoken.rest.api_errors import inner_codes, parse_api_error
from mstoken.rest.token_rights import token_rights
from mstoken.rest.why_403 import explain_refusal


@pytest.fixture(autouse=True)
def at_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedies are commands."""
    monkeypatch.setattr("mstoken.messages._audience", ["shell"])


GRAPH = {"resource": "graph", "tenant": "contoso.example"}
DENIED = json.dumps({"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}})
SUBSCRIPTION = "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333"


def app(*roles: str, **more: Any) -> dict[str, Any]:
    return app_v1(roles=list(roles), **more)


def user(*scopes: str, **more: Any) -> dict[str, Any]:
    return user_v1(scp=" ".join(scopes), aud="https://graph.microsoft.com", **more)


def explain(method: str, path: str, claims: dict[str, Any], body: str = DENIED, **more: Any) -> Any:
    rights = token_rights(claims, claims["iat"] + 600)
    return explain_refusal(method, f"https://graph.microsoft.com{path}", body, rights, GRAPH, **more)


def test_an_application_lacks_a_role() -> None:
    """The sentence names what the call needs and what the token has; the steps grant it."""
    why = explain("GET", "/v1.0/groups", app("User.Read.All"))
    assert why.needs.startswith("GET /groups needs the application permission Group.ReadBasic.All, ")
    assert why.has == (
        "The token is for https://graph.microsoft.com/ in tenant 3c1b7b9e-5f0a-4d5c-9a52-000000000001, application "
        "Night job, 10 minutes old, with User.Read.All."
    )
    add, consent, renew = why.remedy.splitlines()
    assert f"az ad app permission add --id {APP} --api 00000003-0000-0000-c000-000000000000" in add
    assert "=Role" in add
    assert "adminconsent" in consent
    assert "mstoken get graph --tenant contoso.example --fresh" in renew


def test_a_user_consents_alone_where_that_suffices() -> None:
    """A delegated permission that needs no administrator is one sign-in away."""
    why = explain("GET", "/v1.0/me/messages", user("User.Read"))
    assert "the delegated permission Mail.ReadBasic" in why.needs
    add, login = why.remedy.splitlines()
    assert "=Scope" in add
    assert "mstoken login" in login
    assert "--scope https://graph.microsoft.com/Mail.ReadBasic" in login


def test_what_the_token_has_already_is_not_granted_again() -> None:
    """Of two permissions that are needed together, the missing one is added."""
    why = explain("POST", "/v1.0/identity/conditionalAccess/policies", app("Policy.ReadWrite.ConditionalAccess"))
    added = [line for line in why.remedy.splitlines() if line.startswith("Add ")]
    assert [line.split()[1] for line in added] == ["Policy.Read.All"]


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        (app("Group.Read.All"), "A policy restricts the application"),
        (user("Group.Read.All"), "The user lacks a directory role"),
        (user("Group.Read.All", xms_idrel="1 11"), "GDAP relationship gives no role"),
    ],
    ids=["application", "user", "GDAP"],
)
def test_a_sufficient_permission_means_another_reason(claims: dict[str, Any], said: str) -> None:
    """Nothing is granted that the token already has."""
    why = explain("GET", "/v1.0/groups", claims)
    assert "The token has Group.Read.All, which suffices." in why.remedy
    assert said in why.remedy
    assert "az ad app" not in why.remedy


def test_a_caller_that_cannot_make_the_call_is_told_who_can() -> None:
    """No permission helps an application at /me, or a user at call records."""
    assert "Only a user can make this call" in explain("GET", "/v1.0/me", app("User.Read.All")).needs
    assert "mstoken login" in explain("GET", "/v1.0/me", app("User.Read.All")).remedy
    records = explain("GET", "/v1.0/communications/callRecords/1", user("User.Read"))
    assert (
        "Only an application can make this call, with the application permission CallRecords.Read.All" in records.needs
    )


@pytest.mark.parametrize(
    "message",
    [
        "Authorization failed due to missing permission scope RoleManagement.Read.All,Policy.Read.All.",
        json.dumps(
            {"errorCode": "PermissionScopeNotGranted", "message": "missing permission scope RoleManagement.Read.All"}
        ),
        "The token has none of them. API requires one of 'RoleManagement.Read.All, Policy.Read.All'",
    ],
    ids=["plain", "JSON in the message", "list"],
)
def test_permissions_that_the_service_names_come_first(message: str) -> None:
    """Before the table, also in JSON that the message contains, and for paths that the table lacks; also with 401."""
    body = json.dumps({"error": {"code": "UnknownError", "message": message}})
    for named_only in (False, True):
        why = explain("GET", "/beta/unknown", app("User.Read.All"), body, named_only=named_only)
        assert why.needs.startswith("The API requires the application permission RoleManagement.Read.All")
        assert why.record["needs"]["source"] == "response"


def test_without_names_in_the_response_401_is_not_explained() -> None:
    assert explain("GET", "/v1.0/groups", app("User.Read.All"), named_only=True) is None


def test_an_unknown_path_or_api_is_not_guessed() -> None:
    rights = token_rights(app("User.Read.All"), 0)
    assert explain("GET", "/v1.0/unknown/path", app("User.Read.All")) is None
    assert explain_refusal("GET", "https://api.example/groups", DENIED, rights, {"resource": "api://x"}) is None


ARM = (
    f"The client 'x' with object id '{OBJECT}' does not have authorization to perform action "
    f"'Microsoft.Resources/subscriptions/resourceGroups/write' over scope '{SUBSCRIPTION}' or the scope is invalid."
)
LINKED = (
    f"The client 'x' with object id '{OBJECT}' has permission to perform action 'Microsoft.Network/networkInterfaces/"
    f"write' on scope '{SUBSCRIPTION}/a'; however, it does not have permission to perform action "
    f"'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '{SUBSCRIPTION}/b' or the linked "
    "scope(s) are invalid."
)
VAULT = (
    f"Caller is not authorized to perform action on resource.\r\nCaller: appid={APP};oid={OBJECT};iss=x\r\n"
    f"Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '{SUBSCRIPTION}/v'\r\nVault: v"
)
OPENAI = (
    f"The principal `{OBJECT}` lacks the required data action `Microsoft.CognitiveServices/accounts/OpenAI/deployments/"
    "chat/completions/action` to perform `POST /openai/deployments/{id}/chat/completions` operation."
)


@pytest.mark.parametrize(
    ("message", "action", "role", "scope"),
    [
        (ARM, "Microsoft.Resources/subscriptions/resourceGroups/write", "Contributor", SUBSCRIPTION),
        (LINKED, "Microsoft.Network/virtualNetworks/subnets/join/action", "Network Contributor", f"{SUBSCRIPTION}/b"),
        (VAULT, "Microsoft.KeyVault/vaults/secrets/getSecret/action", "Key Vault Secrets User", f"{SUBSCRIPTION}/v"),
        (
            OPENAI,
            "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
            "Cognitive Services OpenAI User",
            None,
        ),
    ],
    ids=["ARM", "linked", "vault", "AI"],
)
def test_azure_names_action_and_scope(message: str, action: str, role: str, scope: str | None) -> None:
    """The command assigns the least role to the object that the service saw, at the scope that it names."""
    body = json.dumps({"error": {"code": "AuthorizationFailed", "message": message}})
    rights = token_rights(app_v1(oid=OBJECT), 0)
    why = explain_refusal("PUT", f"https://management.azure.com{SUBSCRIPTION}", body, rights, {"resource": "arm"})
    assert why is not None
    needs = why.record["needs"]
    assert (needs["action"], needs["scope"]) == (action, scope)
    assert role in needs["roles"]
    first = needs["roles"][0]
    command = why.remedy.splitlines()[0]
    assert f"--assignee-object-id {OBJECT} --assignee-principal-type ServicePrincipal" in command
    assert f"--role '{first}'" in command or f"--role {first}" in command
    assert f"--scope {scope or 'RESOURCE_ID'}" in command


@pytest.mark.parametrize(
    "claims", [{}, {"scp": 7, "roles": "x", "iat": True, "aud": ["a"], "xms_idrel": 11}, {"roles": [1]}]
)
def test_claims_of_another_type_count_as_missing(claims: dict[str, Any]) -> None:
    rights = token_rights(claims, 1000)
    assert (rights.permissions, rights.age_in, rights.audience, rights.relation) == (frozenset(), None, "", "")
    assert "no roles" in rights.sentence()


def test_the_relation_of_a_partner_is_named() -> None:
    """xms_idrel 11 is a user through GDAP, 31 through DAP, 1 a member."""
    assert "(through GDAP)" in token_rights(user("User.Read", xms_idrel="1 11"), 0).sentence()
    assert "(through DAP)" in token_rights(user("User.Read", xms_idrel="31 5"), 0).sentence()
    assert "through" not in token_rights(user("User.Read", xms_idrel="1 2", appid=""), 0).sentence()


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        (
            app("Mail.Send", xms_act_fct="3 9 11", xms_sub_fct="9 3 11"),
            ", agent identity Night job of blueprint 30cf4c22,",
        ),
        (
            user("User.Read", xms_act_fct="3 9 11", xms_sub_fct="9 3 13"),
            f", agent user ana@contoso.example through agent identity {AZURE_CLI} of blueprint 30cf4c22,",
        ),
        (
            user("User.Read", xms_act_fct="11"),
            f", user ana@contoso.example through agent identity {AZURE_CLI} of blueprint 30cf4c22,",
        ),
        (app("Mail.Send", xms_act_fct="3 9"), ", application Night job,"),
        (app("Mail.Send", xms_act_fct=11, xms_sub_fct="13"), ", application Night job,"),
    ],
    ids=["agent", "agent's user", "on behalf of a user", "other facets", "another type"],
)
def test_the_agent_behind_a_token_is_named(claims: dict[str, Any], said: str) -> None:
    """xms_act_fct 11 is an agent identity that acts, xms_sub_fct 13 an agent's user account."""
    assert said in token_rights({**claims, "xms_par_app_azp": "30cf4c22"}, claims["iat"]).sentence()


def test_a_program_reads_which_agent_called() -> None:
    """The record has the agent and its blueprint; those of other tokens say that there is none."""
    agent = token_rights(user("User.Read", xms_act_fct="11", xms_sub_fct="13", xms_par_app_azp="30cf4c22"), 0).record()
    assert (agent["agent"], agent["agent_user"], agent["blueprint"]) == (True, True, "30cf4c22")
    plain = token_rights(user("User.Read"), 0).record()
    assert (plain["agent"], plain["agent_user"], plain["blueprint"]) == (False, False, None)


def refused(
    service: TokenService, token: str, reply: Reply, scope: str = "graph", path: str = "/v1.0/users"
) -> MstokenError:
    """Call an API that refuses; the error."""
    fields = {**token_reply().body, "access_token": token}
    service.script = [lambda request: Reply(200, fields) if request.path.endswith("/token") else reply]
    client = Client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), service.url)
    with pytest.raises(MstokenError) as caught:
        client.request("GET", service.url + path, scope=scope, origin=service.url).raise_for_status()
    return caught.value


def test_an_opaque_token_is_explained_as_before(token_service: TokenService) -> None:
    error = refused(token_service, "opaque", Reply(403, DENIED.encode()))
    assert isinstance(error, ApiRefused)
    assert error.permission == {}
    assert "Graph refused" in error.message


def test_the_error_has_the_permission_as_a_record(token_service: TokenService) -> None:
    """A program reads what is needed and what the token carries; the token itself is nowhere."""
    token = jwt(app("Mail.Send"))
    error = refused(token_service, token, Reply(403, DENIED.encode()))
    assert isinstance(error, ApiRefused)
    assert error.permission["needs"]["kind"] == "application"
    assert "User.ReadBasic.All" in error.permission["needs"]["any_of"]
    assert error.permission["token"]["permissions"] == ["Mail.Send"]
    assert token not in f"{error} {error!r} {error.args}"


@pytest.mark.parametrize(
    ("code", "inner", "said"),
    [
        ("Forbidden", "ForbiddenByPolicy", "access policies"),
        ("Forbidden", "ForbiddenByFirewall", "firewall"),
        ("Forbidden", "ForbiddenByConnection", "public networks"),
        ("RequestDisallowedByPolicy", "", "Azure Policy"),
        ("DenyAssignmentAuthorizationFailed", "", "deny assignment"),
    ],
)
def test_reasons_that_no_permission_mends_keep_their_remedy(
    token_service: TokenService, code: str, inner: str, said: str
) -> None:
    """The most specific code decides, and the table of permissions stays out of it."""
    error_body: dict[str, Any] = {"code": code, "message": "No."} | ({"innererror": {"code": inner}} if inner else {})
    error = refused(token_service, jwt(app("Mail.Send")), Reply(403, {"error": error_body}))
    assert said in error.message
    assert isinstance(error, ApiRefused)
    assert error.permission == {}
    assert f"({code}: {inner})" in error.message if inner else f"({code})" in error.message


def test_storage_answers_in_xml(token_service: TokenService) -> None:
    """The code of the XML body is read: Owner is not enough for the data."""
    body = (
        b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationPermissionMismatch</Code>'
        b"<Message>This request is not authorized to perform this operation using this permission.\nRequestId:1\n"
        b"Time:2026-11-30T00:00:00Z</Message></Error>"
    )
    assert parse_api_error(body) == (
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
    )
    error = refused(token_service, jwt(app()), Reply(403, body), scope="storage")
    assert "(AuthorizationPermissionMismatch)" in error.message
    assert "Storage Blob Data" in error.remedy


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (b'{"error":{"innererror":{"code":"A","innererror":{"code":"B"}}}}', ["A", "B"]),
        (b'{"error":{"innerError":{"date":"x"}}}', []),
        (b'{"error":"text"}', []),
        (b"[]", []),
        (b"<x>", []),
        (b'{"error":{"innererror":[1]}}', []),
    ],
)
def test_inner_codes(body: bytes, codes: list[str]) -> None:
    assert inner_codes(body) == codes

"""The state of tenants, applications and resources; each state has its own code."""

import pytest
from tests.support.refusals import CUSTOMER, Ask, Cases, Form, app_only, home, refresh

from entra_emulator import Emulator
from entra_emulator.model import App, ServicePrincipal

ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
GRAPH_ID = "00000003-0000-0000-c000-000000000000"
CASES = Cases()


@CASES.case(5000224, "invalid_request")
def tenant_switched_off(entra: Emulator) -> Form:
    home(entra).enabled = False
    return app_only()


@CASES.case(500021, suberror="message_only")
def network_restricts_tenants(entra: Emulator) -> Form:
    return app_only(headers={"Restrict-Access-To-Tenants": "contoso.example, fabrikam.example"})


@CASES.case(500212, suberror="message_only")
def own_tenant_lets_nobody_out(entra: Emulator) -> Form:
    home(entra).outbound_blocked.append(CUSTOMER)
    return {**refresh(entra), "tenant": CUSTOMER}


@CASES.case(500213, suberror="message_only")
def other_tenant_lets_nobody_in(entra: Emulator) -> Form:
    entra.state.tenants[CUSTOMER].inbound_blocked.append(home(entra).id)
    return {**refresh(entra), "tenant": CUSTOMER}


@CASES.case(50194, "invalid_request")
def single_tenant_app_at_common(entra: Emulator) -> Form:
    entra.state.default_app.audience = "single"
    return {**refresh(entra), "tenant": "common"}


@CASES.case(9002332, "invalid_request")
def organizations_app_at_consumers(entra: Emulator) -> Form:
    return {**refresh(entra), "tenant": "consumers"}


@CASES.case(9002346, "invalid_request")
def personal_app_at_a_tenant(entra: Emulator) -> Form:
    entra.state.default_app.audience = "personal"
    return refresh(entra)


@CASES.case(500014, "invalid_resource")
def resource_switched_off(entra: Emulator) -> Form:
    home(entra).disabled_resources.append(GRAPH_ID)
    return app_only()


@CASES.case(650057, "invalid_resource")
def resource_not_in_the_registration(entra: Emulator) -> Form:
    entra.state.default_app.resources = [ORDERS]
    return refresh(entra)


@CASES.case(650053, "invalid_scope")
def scope_the_resource_does_not_offer(entra: Emulator) -> Form:
    entra.state.apps[ORDERS].scopes = ["Orders.Read"]
    return {**refresh(entra), "scope": "api://northwind-orders/Orders.Burn"}


@CASES.case(50105)
def user_not_assigned(entra: Emulator) -> Form:
    home(entra).principals[0].assignment_required = True
    return refresh(entra)


@CASES.case(501051)
def application_not_assigned(entra: Emulator) -> Form:
    home(entra).principals.append(ServicePrincipal(ORDERS, assignment_required=True))
    home(entra).principals = [one for one in home(entra).principals if one.app != ORDERS or one.assignment_required]
    home(entra).grants = [one for one in home(entra).grants if one.resource != ORDERS]
    return app_only(scope="api://northwind-orders/.default")


@CASES.case(90009, "invalid_request")
def own_api_refreshed_without_scope(entra: Emulator) -> Form:
    entra.state.default_app.identifier_uris = ["api://itself"]
    return {**refresh(entra, scopes="api://itself/Act openid"), "scope": None}


@CASES.case(90009, "invalid_request")
def own_api_refreshed_with_openid_scopes_only(entra: Emulator) -> Form:
    own = f"{entra.state.default_app.id}/.default"
    return {**refresh(entra, scopes=own), "scope": "openid profile offline_access"}


@CASES.case(65002, "invalid_request")
def microsofts_client_without_preauthorization(entra: Emulator) -> Form:
    vscode = "aebc6443-996d-45c2-90f0-388ff96faa56"
    token = entra.sign_in("otto@northwind-partner.example", vscode)
    form: Form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": vscode, "client_secret": None}
    return {**form, "scope": "https://graph.microsoft.com/Mail.Read"}


@CASES.case(7000216, "invalid_client", status=401)
def application_without_proof(entra: Emulator) -> Form:
    return app_only(client_secret=None)


@CASES.case(7000218, "invalid_client", status=401)
def confidential_client_without_proof(entra: Emulator) -> Form:
    return {**refresh(entra), "client_secret": None}


@CASES.case(7000110, "invalid_request")
def two_client_ids(entra: Emulator) -> Form:
    return app_only(headers={"Authorization": "Basic YTpi"})  # a:b


@CASES.case(9010010, "invalid_target")
def resource_parameter_with_a_slash_too_many(entra: Emulator) -> Form:
    return app_only(resource="https://graph.microsoft.com/")


@CASES.case(9010010, "invalid_target")
def resource_parameter_of_another_api(entra: Emulator) -> Form:
    return {**refresh(entra), "resource": "https://management.azure.com"}


@CASES.case(9010010, "invalid_target")
def resource_parameter_beside_openid_scopes(entra: Emulator) -> Form:
    return {**refresh(entra), "scope": "openid offline_access", "resource": "https://graph.microsoft.com"}


@CASES.case(90100, "invalid_request")
def claims_that_are_not_json(entra: Emulator) -> Form:
    return app_only(claims="{nope")


@CASES.case(90055, "temporarily_unavailable", status=429)
def tenant_throttled(entra: Emulator) -> Form:
    home(entra).request_limit = 3
    return app_only(before=3)


@CASES.case(50196, "invalid_request")
def client_goes_round_in_a_loop(entra: Emulator) -> Form:
    entra.state.settings.loop_limit = 3
    return app_only(before=3)


@pytest.mark.parametrize("name", CASES.by_name)
def test_tenants_and_applications_in_each_state_are_refused(name: str, entra: Emulator, ask: Ask) -> None:
    """The tenant's or application's state refuses with its own code, OAuth error, status and suberror."""
    CASES.check(name, entra, ask)


def test_single_tenant_app_is_unknown_elsewhere(entra: Emulator, ask: Ask) -> None:
    """An application of one tenant does not exist in another."""
    app = App("11111111-2222-4333-8444-555555555556", "Other", CUSTOMER)
    entra.state.apps[app.id] = app
    assert ask(**app_only(client_id=app.id, client_secret="x")).json()["error_codes"] == [700016]

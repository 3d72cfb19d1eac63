"""Agent identities: fmi_path, an agent's own token, and the grant user_fic."""

from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest
from tests.support.agents import AGENT, AGENT_UPN, add_agent

from entra_emulator import Emulator
from entra_emulator.model import Secret

Ask = Callable[..., httpx.Response]
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "api://AzureADTokenExchange/.default"
GRAPH = "https://graph.microsoft.com/.default"
OTTO = "otto@northwind-partner.example"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"


@pytest.fixture
def entra(entra: Emulator) -> Emulator:
    """An agent of the default application, with a user account and consent."""
    add_agent(entra)
    return entra


def first_leg(ask: Ask, agent: str = AGENT) -> str:
    token: str = ask(grant_type="client_credentials", scope=EXCHANGE, fmi_path=agent).json()["access_token"]
    return token


def as_agent(ask: Ask, proof: str, **form: str) -> httpx.Response:
    return ask(client_id=AGENT, client_secret=None, client_assertion_type=TYPE, client_assertion=proof, **form)


def user_leg(ask: Ask, **changed: Any) -> httpx.Response:
    proof = first_leg(ask)
    second = as_agent(ask, proof, grant_type="client_credentials", scope=EXCHANGE).json()["access_token"]
    form = {
        "grant_type": "user_fic",
        "scope": GRAPH,
        "user_federated_identity_credential": second,
        "username": AGENT_UPN,
    }
    return as_agent(ask, proof, **{name: value for name, value in {**form, **changed}.items() if value is not None})


def test_the_first_token_names_the_agent(entra: Emulator, ask: Ask, claims: Any) -> None:
    """The blueprint's token with fmi_path is about that path, for the token exchange."""
    token = claims(first_leg(ask))
    assert token["sub"].startswith("/eid1/c/pub/t/")
    assert token["sub"].endswith(f"/{AGENT}")
    assert (token["aud"], token["azp"]) == ("fb60f99c-7a34-4190-8149-302f77469936", entra.state.default_app.id)


def test_the_agent_gets_its_own_tokens(entra: Emulator, ask: Ask, claims: Any) -> None:
    """Proved by the first token, the agent is the application in the second."""
    answer = as_agent(ask, first_leg(ask), grant_type="client_credentials", scope=GRAPH)
    assert claims(answer.json()["access_token"])["appid"] == AGENT


def test_the_agents_user_gets_delegated_tokens(entra: Emulator, ask: Ask, claims: Any) -> None:
    """The third leg gives a delegated token of the user account, by name or by id."""
    user = entra.state.default_tenant.user(AGENT_UPN)
    assert user
    for named in ({}, {"username": None, "user_id": user.id}):
        token = claims(user_leg(ask, **named).json()["access_token"])
        assert (token["upn"], token["appid"], token["scp"]) == (AGENT_UPN, AGENT, "User.Read")


def test_tokens_say_that_an_agent_acts(entra: Emulator, ask: Ask, claims: Any) -> None:
    """An API recognises an agent, its blueprint, and an agent's user by the facets of the token."""
    blueprint = entra.state.default_app.id
    own = claims(as_agent(ask, first_leg(ask), grant_type="client_credentials", scope=GRAPH).json()["access_token"])
    facets = ("xms_act_fct", "xms_sub_fct", "xms_tnt_fct", "xms_par_app_azp", "xms_idrel")
    assert [own[name] for name in facets] == ["3 9 11", "9 3 11", "3 9", blueprint, "7 10"]
    users = claims(user_leg(ask).json()["access_token"])
    assert "13" in users["xms_sub_fct"].split()
    assert (users["xms_act_fct"], users["xms_par_app_azp"]) == ("3 9 11", blueprint)
    assert users["xms_idrel"].split()[0] == "1"
    others = claims(ask(grant_type="client_credentials", scope=GRAPH).json()["access_token"])
    assert not set(facets) & set(others)


@pytest.mark.parametrize(
    ("scope", "expected"), [("api://northwind-orders/.default", None), (GRAPH, [500131])], ids=["its own", "another's"]
)
def test_the_agent_acts_for_the_caller_of_its_blueprint(
    entra: Emulator, ask: Ask, claims: Any, scope: str, expected: list[int] | None
) -> None:
    """On-behalf-of as the agent takes a caller's token for the blueprint, and none for another API."""
    entra.state.apps[ORDERS].secrets = [Secret("orders-secret-for-tests")]
    entra.state.apps[AGENT].blueprint = ORDERS
    called = ask(grant_type="refresh_token", refresh_token=entra.sign_in(OTTO), scope=scope).json()["access_token"]
    proof = first_leg(partial(ask, client_id=ORDERS, client_secret="orders-secret-for-tests"))
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "requested_token_use": "on_behalf_of"}
    answer = as_agent(ask, proof, assertion=called, scope=GRAPH, **form).json()
    assert answer.get("error_codes") == expected
    if expected is None:
        token = claims(answer["access_token"])
        assert (token["upn"], token["appid"]) == (OTTO, AGENT)
        assert (token["xms_act_fct"], token["xms_par_app_azp"]) == ("3 9 11", ORDERS)
        assert "xms_sub_fct" not in token


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"username": "nadia@northwind-partner.example"}, 50034),
        ({"username": "nobody@northwind-partner.example"}, 50034),
        ({"username": None}, 900144),
        ({"user_federated_identity_credential": None}, 900144),
        ({"user_federated_identity_credential": "junk"}, 50027),
        ({"scope": "https://graph.microsoft.com/Mail.Read"}, 65001),
        ({"tenant": "common"}, 50059),
    ],
)
def test_refusals(entra: Emulator, ask: Ask, changed: dict[str, Any], expected: int) -> None:
    """Another's user, nobody, or a missing part is refused."""
    assert user_leg(ask, **changed).json()["error_codes"] == [expected]


def test_the_second_token_must_be_the_agents(entra: Emulator, ask: Ask) -> None:
    """The blueprint's token, or one for another API, does not serve as the second."""
    other = as_agent(ask, first_leg(ask), grant_type="client_credentials", scope=GRAPH).json()["access_token"]
    for token in (first_leg(ask), other, first_leg(ask)[:-8] + "AAAAAAAA"):
        assert user_leg(ask, user_federated_identity_credential=token).json()["error_codes"] == [50013]


def test_another_agents_token_is_refused(entra: Emulator, ask: Ask) -> None:
    """A first token for another path is not this agent's."""
    proof = first_leg(ask, "99999999-2222-4333-8444-555555555555")
    assert as_agent(ask, proof, grant_type="client_credentials", scope=GRAPH).json()["error_codes"] == [700213]

"""The flows of every language's clients at the emulator. `flow` is the flow's name in the program under test."""

from __future__ import annotations

from typing import Any

from tests.support.language_client import COMMAND_LINE, NADIA, ORDERS, OTTO, LanguageClient
from tests.support.oidc_issuer import SUBJECT, OidcIssuer
from tests.support.ws_trust import ANN, SAML_BEARER, federate

from entra_emulator.model import FederatedCredential, Grant
from entra_emulator.resources import GRAPH as GRAPH_ID

READ = "https://graph.microsoft.com/User.Read"
GRAPH, ARM = "https://graph.microsoft.com", "https://management.azure.com"


def succeeded(outcome: dict[str, Any]) -> dict[str, Any]:
    assert "error" not in outcome, outcome
    return outcome


def application(client: LanguageClient, flow: str, **proof: str) -> None:
    """The client gets a token for Graph with this credential; the second request returns it from the cache."""
    outcome = succeeded(client.run(flow, **proof))
    assert (outcome["token"]["aud"], outcome["token"]["appid"]) == (GRAPH, client.entra.state.default_app.id)
    assert outcome.get("cached", True)  # a program without a library has no cache
    assert [one.status for one in client.entra.token_requests] == [200]
    client.entra.requests.clear()


def federated_assertion(client: LanguageClient, flow: str, error: str) -> None:
    """Another issuer's token authenticates the application; a token for another subject is refused."""
    issuer = OidcIssuer()
    client.entra.state.default_app.federated = [FederatedCredential(issuer.url, SUBJECT)]
    application(client, flow, assertion=issuer.token())
    issuer.subject = "repo:other"
    outcome = client.run(flow, assertion=issuer.token())
    assert outcome["error"] == error
    assert "AADSTS700213" in outcome["text"]
    issuer.close()


def user(who: LanguageClient, flow: str, **given: str) -> None:
    """Nadia signs in to a public client; if the library has accounts, it then gets a token for another API silently."""
    outcome = succeeded(who.run(flow, **{"client": COMMAND_LINE, "scope": READ, **given}))
    assert (outcome["token"]["upn"], outcome["token"]["aud"]) == (NADIA, GRAPH)
    assert outcome.get("user", NADIA) == NADIA
    if "silent" in outcome:
        assert (outcome["silent"]["upn"], outcome["silent"]["aud"]) == (NADIA, f"{ARM}/")


def password(client: LanguageClient, flow: str, error: str) -> None:
    """A user's password gets a token, after user realm discovery; a wrong password is refused with 50126."""
    who = {"client": COMMAND_LINE, "username": OTTO, "scope": READ}
    outcome = succeeded(client.run(flow, **who, password=client.entra.state.settings.password))
    assert outcome["user"] == OTTO
    outcome = client.run(flow, **who, password="wrong")
    assert outcome["error"] == error
    assert "AADSTS50126" in outcome["text"]


def federated_password(client: LanguageClient, flow: str) -> None:
    """The library exchanges an assertion of the AD FS for tokens; a wrong password fails at the AD FS."""
    federate(client.entra)
    who = {"client": COMMAND_LINE, "username": ANN, "scope": READ}
    outcome = succeeded(client.run(flow, **who, password=client.entra.state.settings.password))
    assert outcome["user"] == ANN
    assert SAML_BEARER in [one.grant_type for one in client.entra.token_requests]
    client.entra.requests.clear()
    assert client.run(flow, **who, password="wrong")["error"]
    assert not client.entra.token_requests


def on_behalf_of(client: LanguageClient, flow: str) -> None:
    """An API acts for its caller after consent, and not before."""
    app = client.entra.state.apps[ORDERS]
    asked = {"client": ORDERS, "secret": app.secrets[0].value, "assertion": client.callers_token(), "scope": READ}
    assert "AADSTS65001" in client.run(flow, **asked)["text"]
    client.entra.state.default_tenant.grants.append(Grant(app=ORDERS, resource=GRAPH_ID, scopes=["User.Read"]))
    assert succeeded(client.run(flow, **asked))["token"]["upn"] == NADIA


def default_credential(client: LanguageClient, flow: str) -> None:
    """Authority, tenant, client and secret are found in the environment that the emulator gives a command."""
    assert succeeded(client.run(flow))["token"]["appid"] == client.entra.state.default_app.id
    assert {one.host for one in client.entra.token_requests} == {client.entra.authority.removeprefix("https://")}


def refused_secret(client: LanguageClient, flow: str, error: str) -> None:
    """Entra's words reach the program in the library's own exception, and the request is not repeated."""
    outcome = client.run(flow, secret="wrong")
    assert outcome["error"] == error
    assert "AADSTS7000215" in outcome["text"]
    assert [one.aadsts for one in client.entra.token_requests] == [7000215]


def website(client: LanguageClient, flow: str) -> None:
    """Discovery, sign-in with PKCE, nonce and state, the ID token verified, UserInfo; a wrong secret ends it."""
    outcome = succeeded(client.run(flow, issuer=client.issuer, secret=client.secret))
    assert outcome["claims"]["preferred_username"] == NADIA
    assert outcome["claims"]["iss"] == client.issuer
    assert outcome["subject"]
    assert "error" in client.run(flow, issuer=client.issuer, secret="wrong")
    assert client.entra.token_requests[-1].aadsts == 7000215


def api(client: LanguageClient, flow: str, *, other_audience: str, signature: str) -> None:
    """An API accepts its caller's token; one for another API fails, and one that somebody has changed."""
    token = client.callers_token()
    outcome = succeeded(client.run(flow, issuer=client.issuer, audience=ORDERS, bearer=token))
    assert outcome["claims"]["preferred_username"] == NADIA
    assert other_audience in client.run(flow, issuer=client.issuer, audience="other", bearer=token)["text"]
    head, payload, _ = token.split(".")
    forged = f"{head}.{payload}.{client.callers_token().split('.')[2]}"
    assert signature in client.run(flow, issuer=client.issuer, audience=ORDERS, bearer=forged)["text"]

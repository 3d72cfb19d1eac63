"""Whose sign-in serves: a family of clients shares one person's, and another person than suggested is told."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.support.runners import Runner
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from mstoken import Browser
from mstoken.protocol.jwt import decode
from mstoken.stores.memory import memory_stores

NADIA = "nadia@northwind-partner.example"
OTTO = "otto@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


def _another_app(entra: Emulator, number: int, *, family: bool) -> str:
    from entra_emulator.model import App, Grant
    from entra_emulator.resources import GRAPH

    home = entra.state.default_tenant
    app = App(f"8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1c0{number}", f"App {number}", home.id, "multiple", public=True)
    app.family, app.redirect_uris = family, ["http://localhost"]
    entra.state.apps[app.id] = app
    home.grants.append(Grant(app=app.id, resource=GRAPH, scopes=["User.Read"]))
    return app.id


def test_applications_of_a_family_share_a_sign_in(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """Clients of one family use the refresh token another of them left; a stranger asks for itself."""
    entra.state.apps[PUBLIC_APP].family = True
    sibling, stranger = (_another_app(entra, number, family=number == 1) for number in (1, 2))
    stores, opened = memory_stores(), []

    def open_browser(url: str) -> bool:
        opened.append(dict(parse_qsl(urlsplit(url).query))["client_id"])
        return otto.open(url)

    for app_id in (PUBLIC_APP, sibling, stranger):
        app = runner.client("organizations", app_id, Browser(open_browser=open_browser), entra.authority, stores=stores)
        token = runner.run(partial(app.get_token, "graph"))
        assert decode(token.token).claims["appid"] == app_id
    assert opened == [PUBLIC_APP, stranger]


def test_a_named_account_does_not_use_the_familys_sign_in(
    runner: Runner, entra: Emulator, nadia: ScriptedUser, otto: ScriptedUser
) -> None:
    """Who names a person or an account gets that one's tokens, whoever of the family signed in before."""
    entra.state.apps[PUBLIC_APP].family = True
    sibling = _another_app(entra, 1, family=True)
    stores = memory_stores()

    def upn(app_id: str, **options: Any) -> Any:
        person = nadia if NADIA in options.values() else otto
        credential = Browser(open_browser=person.open, timeout_in=30, **options)
        app = runner.client("organizations", app_id, credential, entra.authority, stores=stores)
        return decode(runner.run(partial(app.get_token, "graph")).token).claims["upn"]

    assert upn(PUBLIC_APP, login_hint=NADIA) == NADIA
    assert upn(sibling, login_hint=OTTO) == OTTO
    assert upn(sibling) == OTTO
    assert upn(PUBLIC_APP, account=NADIA) == NADIA
    asked = len(entra.token_requests)
    assert upn(sibling, account="otto") == OTTO
    assert entra.token_requests[asked].grant_type == "authorization_code"  # the named account's own, not the family's
    assert upn(sibling, login_hint=NADIA) == NADIA
    assert entra.token_requests[-1].grant_type == "refresh_token"  # the same person's, of the sibling


@pytest.mark.parametrize(("hint", "told"), [(NADIA, True), (OTTO.upper(), False), ("O.CiQ-opaque", False)])
def test_another_user_than_the_login_hint_is_reported(
    runner: Runner,
    entra: Emulator,
    otto: ScriptedUser,
    caplog: pytest.LogCaptureFixture,
    hint: str,
    told: bool,  # noqa: FBT001
) -> None:
    """The page lets the person choose, so a sign-in may be somebody else's than its name says: a warning says whose."""
    app = runner.client("organizations", PUBLIC_APP, Browser(open_browser=otto.open, login_hint=hint), entra.authority)
    runner.run(lambda: app.get_token("graph"))
    assert (f"{OTTO} signed in instead of {hint}, which was suggested" in caplog.text) is told

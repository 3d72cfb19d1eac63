"""Refusals that depend on state, as tables: each case sets a state, sends a request, and gives Entra's response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from entra_emulator import Emulator
from entra_emulator.model import Policy, Tenant, User

Ask = Callable[..., httpx.Response]
Form = dict[str, Any]
Provoke = Callable[[Emulator], Form]

GRAPH = "https://graph.microsoft.com/.default"
NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"
CUSTOMER = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"
BASIC = ["error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id"]
WITH_URI = [*BASIC, "error_uri"]
WITH_SUBERROR = [*WITH_URI, "suberror"]
ORDER = [*WITH_SUBERROR, "claims"]


@dataclass
class Case:
    """A function that sets the state and returns the request, and Entra's response."""

    provoke: Provoke
    code: int
    error: str
    suberror: str | None
    status: int
    claims: bool


@dataclass
class Cases:
    """The cases of one subject, by name."""

    by_name: dict[str, Case] = field(default_factory=dict)

    def case(
        self,
        code: int,
        error: str = "invalid_grant",
        suberror: str | None = None,
        *,
        status: int = 400,
        claims: bool = False,
    ) -> Callable[[Provoke], Provoke]:
        """Add a function to the table: it sets the state and returns the form to send."""

        def enter(provoke: Provoke) -> Provoke:
            self.by_name[provoke.__name__] = Case(provoke, code, error, suberror, status, claims)
            return provoke

        return enter

    def check(self, name: str, entra: Emulator, ask: Ask) -> None:
        """The state refuses with its code, OAuth error, suberror and claims, the members in Entra's order."""
        case = self.by_name[name]
        form = case.provoke(entra)
        for _ in range(form.pop("before", 0)):
            assert ask(**form).status_code == 200
        answer = ask(**form)
        body = answer.json()
        assert body["error_codes"] == [case.code], body["error_description"]
        assert (answer.status_code, body["error"], body.get("suberror")) == (case.status, case.error, case.suberror)
        assert list(body) == [member for member in ORDER if member in body]
        assert body["error_description"].startswith(f"AADSTS{case.code}: ")
        assert ("claims" in body) == case.claims
        assert entra.requests[-1].aadsts == case.code


def refresh(entra: Emulator, user: str = NADIA, **session: Any) -> Form:
    """A refresh of a sign-in that just happened."""
    return {"grant_type": "refresh_token", "refresh_token": entra.sign_in(user, **session), "scope": GRAPH}


def app_only(**form: Any) -> Form:
    """An application's own request."""
    return {"grant_type": "client_credentials", "scope": GRAPH, **form}


def password(entra: Emulator, user: str = OTTO, given: str = "right") -> Form:
    """A user name and password, of a user whose password is `right`."""
    person(entra, user).password = "right"
    return {"grant_type": "password", "username": user, "password": given, "scope": GRAPH}


def person(entra: Emulator, name: str) -> User:
    return entra.find_user(name)[1]


def home(entra: Emulator) -> Tenant:
    return entra.state.default_tenant


def required(entra: Emulator, require: str, **fields: Any) -> Policy:
    """A policy for Graph in the partner's tenant."""
    return entra.add_policy(require, resources=["graph"], **fields)


def guest(entra: Emulator, **fields: Any) -> Form:
    """Otto as a guest of the customer."""
    entra.state.tenants[CUSTOMER].users.append(User(OTTO, "Otto", home=home(entra).id, **fields))
    return {**refresh(entra, OTTO), "tenant": CUSTOMER}


@dataclass
class Shape:
    """A change in the emulator, a request, and the real service's known response with all members."""

    code: int
    error: str
    status: int
    keys: list[str]
    form: Form
    user: str = ""
    change: Callable[[Emulator], object] = field(default=lambda _: None)
    after: Callable[[Emulator], object] = field(default=lambda _: None)
    suberror: str | None = None

    def check(self, entra: Emulator, ask: Ask) -> None:
        """Status, keys and their order, OAuth error, suberror and codes are those seen from the real service."""
        answer = self._provoke(entra, ask)
        body = answer.json()
        assert body["error_codes"] == [self.code]
        assert (answer.status_code, body["error"], list(body)) == (self.status, self.error, self.keys)
        assert body.get("suberror") == self.suberror
        assert body["error_description"].startswith(f"AADSTS{self.code}: ")
        assert answer.headers["x-ms-clitelem"].startswith(f"1,{self.code},0,")

    def _provoke(self, entra: Emulator, ask: Ask) -> httpx.Response:
        self.change(entra)
        form = dict(self.form)
        if self.user:
            form["grant_type"] = "refresh_token"
            form["refresh_token"] = entra.sign_in(self.user, form.get("client_id"))
        self.after(entra)
        return ask(**form)

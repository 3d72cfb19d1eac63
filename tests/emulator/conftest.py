"""A fresh emulator for each test, and the ways tests talk to it: over real HTTPS, checked strictly."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.support.verifying import verified_as_graph

from entra_emulator import Emulator
from entra_emulator.pytest_plugin import entra, entra_config, entra_environment

__all__ = ["entra", "entra_config", "entra_environment"]  # as pytest finds them where the package is installed

Ask = Callable[..., httpx.Response]
Claims = Callable[[str], dict[str, Any]]


def trusting(entra: Emulator) -> ssl.SSLContext:
    """A client's TLS settings that trust the emulator's authority alone and verify as Python 3.13 does."""
    context = ssl.create_default_context(cafile=str(entra.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.fixture
def http(entra: Emulator) -> Iterator[httpx.Client]:
    """A client that reaches the emulator by its URL."""
    with httpx.Client(verify=trusting(entra), trust_env=False) as client:
        yield client


@pytest.fixture
def proxied(entra: Emulator) -> Iterator[httpx.Client]:
    """A client that reaches the emulator under Microsoft's host names, through the proxy."""
    with httpx.Client(verify=trusting(entra), trust_env=False, proxy=entra.proxy) as client:
        yield client


@pytest.fixture
def ask(entra: Emulator, http: httpx.Client) -> Ask:
    """Ask the token endpoint, with the default application's id and secret unless given; None leaves a field out."""

    def post(tenant: str | None = None, *, headers: dict[str, str] | None = None, **form: str | None) -> httpx.Response:
        app = entra.state.default_app
        defaults = {"client_id": app.id, "client_secret": app.secrets[0].value}
        fields = {name: value for name, value in {**defaults, **form}.items() if value is not None}
        url = f"{entra.authority}/{tenant or entra.state.default_tenant.id}/oauth2/v2.0/token"
        return http.post(url, data=fields, headers=headers)

    return post


@pytest.fixture
def app_token(ask: Ask) -> Callable[..., httpx.Response]:
    """Client credentials for a scope."""

    def get(scope: str = "https://graph.microsoft.com/.default", **form: Any) -> httpx.Response:
        return ask(grant_type="client_credentials", scope=scope, **form)

    return get


@pytest.fixture
def user_token(entra: Emulator, ask: Ask) -> Callable[..., httpx.Response]:
    """A refresh for a scope, of a sign-in that just happened (user: the default one) unless a token is given."""

    def get(scope: str | None = "https://graph.microsoft.com/.default", user: str = "", **form: Any) -> httpx.Response:
        if "refresh_token" not in form:
            who = user or entra.state.settings.user
            form["refresh_token"] = entra.sign_in(who, form.get("client_id"), mfa=form.pop("mfa", None))
        return ask(grant_type="refresh_token", scope=scope, **form)

    return get


@pytest.fixture
def claims(entra: Emulator, http: httpx.Client) -> Claims:
    """The claims of a token, its signature checked with the keys the emulator publishes; Graph's as Graph does it."""

    def read(token: str) -> dict[str, Any]:
        return verified_as_graph(token, http.get(f"{entra.authority}/common/discovery/v2.0/keys").json())

    return read

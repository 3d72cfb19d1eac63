"""What Microsoft's clients do when the service fails: which exception, whether they retry, whether they ask again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

from entra_emulator import Emulator

GRAPH = "https://graph.microsoft.com/.default"
ARM = "https://management.azure.com/.default"


@pytest.fixture
def client(entra: Emulator, authority: str) -> Any:
    """MSAL's confidential client, past discovery: failures are for its token requests."""
    app = entra.state.default_app
    return msal.ConfidentialClientApplication(app.id, app.secrets[0].value, authority)


@pytest.fixture
def credential(entra: Emulator) -> Iterator[ClientSecretCredential]:
    app, tenant = entra.state.default_app, entra.state.default_tenant
    with ClientSecretCredential(tenant.id, app.id, app.secrets[0].value, retry_backoff_factor=0.01) as made:
        yield made


def statuses(entra: Emulator) -> list[int]:
    return [one.status for one in entra.token_requests]


def test_msal_throttled(entra: Emulator, client: Any) -> None:
    """429 has no JSON, which MSAL raises as ValueError; until Retry-After is over it does not ask again."""
    entra.inject(status=429, retry_after_in=30)
    for _ in range(2):
        with pytest.raises(ValueError, match="Expecting value"):
            client.acquire_token_for_client([GRAPH])
    assert statuses(entra) == [429]


def test_msal_meets_a_broken_service(entra: Emulator, client: Any) -> None:
    """A 503 is MsalServiceError, with no retry; MSAL then leaves the service alone for some seconds."""
    entra.inject(status=503)
    for _ in range(2):
        with pytest.raises(msal.exceptions.MsalServiceError, match="503"):
            client.acquire_token_for_client([GRAPH])
    assert statuses(entra) == [503]


def test_msal_loses_its_connection(entra: Emulator, client: Any) -> None:
    """Cut before the answer, the request is sent once more; cut in its middle, it is an exception of requests'."""
    entra.inject(cut="before")
    assert client.acquire_token_for_client([GRAPH])["access_token"]
    assert statuses(entra) == [0, 200]
    client.remove_tokens_for_client()
    entra.inject(cut="during")
    with pytest.raises(requests.exceptions.RequestException):
        client.acquire_token_for_client([GRAPH])
    assert len(entra.token_requests) == 3


def test_msal_with_a_skewed_clock(entra: Emulator, client: Any) -> None:
    """The service's clock is hours ahead: MSAL counts expires_in from its own, so the token stays in its cache."""
    entra.inject(skew_in=7200)
    first = client.acquire_token_for_client([GRAPH])
    assert client.acquire_token_for_client([GRAPH])["token_source"] == "cache"
    assert first["expires_in"] == 3599


@pytest.mark.parametrize("status", [429, 503])
def test_azure_identity_waits_and_retries(entra: Emulator, credential: ClientSecretCredential, status: int) -> None:
    """The SDK's pipeline waits as Retry-After says and asks again; the caller notices nothing."""
    entra.inject(status=status, retry_after_in=1)
    assert credential.get_token(GRAPH).token
    first, second = entra.token_requests
    assert (first.status, second.status) == (status, 200)
    assert second.at - first.at >= 1


def test_azure_identity_gives_up(entra: Emulator, credential: ClientSecretCredential) -> None:
    """After three retries the fourth 503 is ClientAuthenticationError."""
    entra.inject(status=503, times=None)
    with pytest.raises(ClientAuthenticationError):
        credential.get_token(GRAPH)
    assert statuses(entra) == [503] * 4


def test_azure_identity_loses_its_connection(entra: Emulator, credential: ClientSecretCredential) -> None:
    """A connection cut before the answer is retried."""
    entra.inject(cut="before")
    assert credential.get_token(GRAPH).token
    assert statuses(entra) == [0, 200]


@pytest.mark.parametrize("code", [50196, 53003, 90094, 7000222])
def test_any_code_reaches_the_caller(entra: Emulator, credential: ClientSecretCredential, code: int) -> None:
    """Whatever Entra refuses with, azure-identity puts its sentence into ClientAuthenticationError, and asks once."""
    entra.inject(code=code)
    with pytest.raises(ClientAuthenticationError, match=f"AADSTS{code}"):
        credential.get_token(GRAPH)
    assert len(entra.token_requests) == 1


def test_a_late_response_is_a_timeout_in_msal(entra: Emulator, authority: str) -> None:
    """An answer that comes too late for the client's timeout is requests' exception; the next one is in time."""
    app = entra.state.default_app
    client = msal.ConfidentialClientApplication(app.id, app.secrets[0].value, authority, timeout=3)
    entra.inject(delay_in=3600)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.acquire_token_for_client([GRAPH])
    assert client.acquire_token_for_client([GRAPH])["access_token"]


def _by_program(entra: Emulator) -> None:
    entra.inject(code=53003)


def _by_admin_api(entra: Emulator) -> None:
    headers = {"Authorization": f"Bearer {entra.admin_key}"}
    url = f"{entra.admin_url}/api/faults"
    requests.post(url, json={"code": 53003, "times": 1}, headers=headers, timeout=60).raise_for_status()


def _by_dashboard(entra: Emulator) -> None:
    with requests.Session() as browser:
        browser.get(f"{entra.admin_url}/?key={entra.admin_key}", timeout=60).raise_for_status()
        form = {"code": "53003", "times": "1"}
        browser.post(f"{entra.admin_url}/faults", data=form, timeout=60).raise_for_status()


def _by_configuration(entra: Emulator) -> None:
    entra.restore({**entra.snapshot(), "faults": [{"code": 53003, "times": 1}]})


@pytest.mark.parametrize("order", [_by_program, _by_admin_api, _by_dashboard, _by_configuration])
def test_faults_work_for_every_way_to_inject_them(
    entra: Emulator, client: Any, order: Callable[[Emulator], None]
) -> None:
    """Program, admin API, dashboard and configuration order the same failure, which hits MSAL's next request alone."""
    order(entra)
    assert client.acquire_token_for_client([GRAPH])["error_codes"] == [53003]
    # MSAL answers a request that was refused from memory for a minute, so another one asks next.
    assert client.acquire_token_for_client([ARM])["access_token"]

"""Graph's exports of a partner's billing data: an operation, a manifest, and files that take no token."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.billing import SAS_LIFETIME_IN
from entra_emulator.model import Grant

Call = Callable[..., httpx.Response]
GRAPH = "00000003-0000-0000-c000-000000000000"
UNBILLED = {"currencyCode": "EUR", "billingPeriod": "current", "attributeSet": "full"}


@pytest.fixture
def billing(entra: Emulator, http: httpx.Client, app_token: Call) -> Iterator[Call]:
    """Call the billing API as the default application."""
    entra.state.default_tenant.grants.append(
        Grant(entra.state.default_app.id, GRAPH, roles=["PartnerBilling.Read.All"])
    )
    token = app_token("https://graph.microsoft.com/.default").json()["access_token"]

    def call(method: str, url: str, **rest: Any) -> httpx.Response:
        full = url if url.startswith("https:") else f"{entra.api('graph')}/reports/partners/billing/{url}"
        return http.request(method, full, headers={"Authorization": f"Bearer {token}"}, **rest)

    yield call
    entra.state.default_tenant.grants.pop()


def test_an_export_ends_at_the_second_poll_and_has_its_files(
    entra: Emulator, billing: Call, http: httpx.Client
) -> None:
    """The files have a line for each customer, and whoever has the SAS reads them; with a token, they are refused."""
    began = billing("POST", "usage/unbilled/export", json=UNBILLED)
    assert (began.status_code, began.headers["retry-after"]) == (202, "1")
    running, done = (billing("GET", began.headers["location"]).json() for _ in range(2))
    assert (running["status"], done["status"]) == ("running", "succeeded")
    manifest = billing("GET", done["resourceLocation@odata.navigationLink"]).json()
    assert (manifest["blobCount"], manifest["partnerTenantId"]) == (1, entra.state.default_tenant.id)
    url = f"{manifest['rootDirectory']}/{manifest['blobs'][0]['name']}"
    content = http.get(f"{url}?{manifest['sasToken']}")
    lines = [json.loads(line) for line in gzip.decompress(content.content).splitlines()]
    assert [(line["CustomerName"], line["Currency"]) for line in lines] == [("Tailwind Bakery", "EUR")]
    for problem, code in (
        (http.get(url), "AuthenticationFailed"),
        (http.get(f"{url}?{manifest['sasToken']}", headers={"Authorization": "Bearer x"}), "InvalidAuthenticationInfo"),
    ):
        assert (problem.status_code, problem.headers["x-ms-error-code"]) == (403, code)
    missing = http.get(f"{url}x?{manifest['sasToken']}")
    assert (missing.status_code, missing.headers["x-ms-error-code"]) == (404, "BlobNotFound")
    assert http.get(f"{entra.authority}/blob/other").status_code == 404


def test_a_signature_is_valid_for_a_time_and_the_manifest_has_a_new_one(
    entra: Emulator, billing: Call, http: httpx.Client, app_token: Call
) -> None:
    began = billing("POST", "usage/unbilled/export", json=UNBILLED)
    _, done = (billing("GET", began.headers["location"]).json() for _ in range(2))
    where = done["resourceLocation@odata.navigationLink"]
    manifest = billing("GET", where).json()
    url = f"{manifest['rootDirectory']}/{manifest['blobs'][0]['name']}"
    entra.clock.advance(SAS_LIFETIME_IN - 60)
    assert http.get(f"{url}?{manifest['sasToken']}").status_code == 200
    entra.clock.advance(120)
    assert http.get(f"{url}?{manifest['sasToken']}").headers["x-ms-error-code"] == "AuthenticationFailed"
    token = app_token("https://graph.microsoft.com/.default").json()["access_token"]
    again = http.get(where, headers={"Authorization": f"Bearer {token}"}).json()
    assert http.get(f"{url}?{again['sasToken']}").status_code == 200


def test_an_unknown_invoice_fails_the_operation(billing: Call) -> None:
    began = billing("POST", "reconciliation/billed/export", json={"invoiceId": "none"})
    _, done = (billing("GET", began.headers["location"]).json() for _ in range(2))
    assert (done["status"], done["error"]["message"]) == ("failed", "No data available")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("usage/billed", {}),
        ("usage/unbilled", {"currencyCode": "EUR"}),
        ("usage/unbilled", {**UNBILLED, "billingPeriod": "next"}),
        ("usage/unbilled", {**UNBILLED, "attributeSet": "all"}),
        ("usage/unbilled", {**UNBILLED, "invoiceId": "G1"}),
    ],
)
def test_parameters_that_do_not_fit_are_400(billing: Call, kind: str, body: dict[str, str]) -> None:
    assert billing("POST", f"{kind}/export", json=body).status_code == 400


def test_others_see_no_export(entra: Emulator, http: httpx.Client, app_token: Call, billing: Call) -> None:
    """Without the permission it is 403, and an operation that does not exist 404."""
    assert billing("GET", "operations/00000000-0000-4000-8000-000000000000").status_code == 404
    assert billing("GET", "manifests/00000000-0000-4000-8000-000000000000").status_code == 404
    entra.state.default_tenant.grants[-1].roles.clear()
    token = app_token("https://graph.microsoft.com/.default").json()["access_token"]
    url = f"{entra.api('graph')}/reports/partners/billing/usage/unbilled/export"
    refused = http.post(url, headers={"Authorization": f"Bearer {token}"}, json=UNBILLED)
    assert refused.status_code == 403

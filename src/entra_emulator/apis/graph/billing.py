"""Graph: a partner's billing data, exported as files.

Source: learn.microsoft.com/graph/api/resources/partners-billing-api-overview and its pages: 202 with Location, an
operation, a manifest with `rootDirectory`, `sasToken` and `blobs`. Operations that failed:
.../partners-billing-operation-get.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.apis.bearer import Caller
from entra_emulator.billing import Export
from entra_emulator.clock import timestamp
from entra_emulator.routing import Route, route
from entra_emulator.web import json_response

from .wire import JsonObject, Refusal, accepting, endpoint, not_found, require, version

_READ = frozenset({"PartnerBilling.Read.All"})
_PATH = "reports/partners/billing"
_ROWS_OF_A_FILE = 5
"""So few that a small partner has several files."""
_BILLED = {
    "usage/billed": True,
    "usage/unbilled": False,
    "reconciliation/billed": True,
    "reconciliation/unbilled": False,
}
_CHOICES = {"attributeSet": ("full", "basic"), "billingPeriod": ("current", "last")}
_INVOICE = "G"
"""Invoices of the new commerce begin so; here those have data, and others have none."""
_NAMESPACE = "#microsoft.graph.partners.billing"


def routes() -> list[Route]:
    """Return the routes; an action has a short and a full name."""
    base = f"/{{version}}/{_PATH}"
    return [
        *(
            route("POST", f"{base}/{kind}/{action}", accepting(_exporter(kind)))
            for kind in _BILLED
            for action in ("export", "microsoft.graph.partners.billing.export")
        ),
        route("GET", f"{base}/operations/{{id}}", endpoint(_operation)),
        route("GET", f"{base}/manifests/{{id}}", endpoint(_manifest)),
    ]


def _exporter(kind: str) -> Any:
    def export(request: Request, caller: Caller, body: JsonObject) -> Response:
        require(caller, _READ)
        _check(kind, body)
        world = request.state.world
        made = Export(caller.tenant.id, kind, body, world.clock.now(), _rows(request, caller, kind, body))
        world.exports[made.id] = made
        where = f"{version(request)}/{_PATH}/operations/{made.id}"
        return json_response(world, None, 202, [("Location", where), ("Retry-After", "1")])

    return export


def _check(kind: str, body: JsonObject) -> None:
    """:raises Refusal: 400 for a parameter that is missing or has no such value."""
    required = ("invoiceId",) if _BILLED[kind] else ("currencyCode", "billingPeriod")
    for name in required:
        if not isinstance(body.get(name), str) or not body[name]:
            raise Refusal(400, "badRequest", f"The parameter '{name}' is required.")
    for name in body:
        if name not in (*required, "attributeSet"):
            raise Refusal(400, "badRequest", f"The parameter '{name}' does not belong to this export.")
        if name in _CHOICES and body[name] not in _CHOICES[name]:
            raise Refusal(400, "badRequest", f"'{body[name]}' is no value of '{name}'.")


def _rows(request: Request, caller: Caller, kind: str, body: JsonObject) -> list[list[dict[str, Any]]]:
    """Return a line for each customer, divided into files; none for an invoice that is none."""
    if _BILLED[kind] and not str(body["invoiceId"]).startswith(_INVOICE):
        return []
    found = [
        {
            "PartnerId": caller.tenant.id,
            "CustomerId": customer.id,
            "CustomerName": customer.name,
            "InvoiceNumber": body.get("invoiceId", ""),
            "Quantity": 1.0,
            "Currency": body.get("currencyCode", "USD"),
        }
        for customer in request.state.world.state.resold(caller.tenant)
    ]
    return [found[start : start + _ROWS_OF_A_FILE] for start in range(0, len(found), _ROWS_OF_A_FILE)]


def _operation(request: Request, caller: Caller) -> JsonObject:
    """Return the operation: it runs at the first poll, and is over at the second."""
    require(caller, _READ)
    found = _found(request, caller, "id")
    found.polls += 1
    shown = {"id": found.id, "createdDateTime": _moment(found.began_on), "lastActionDateTime": _moment(found.began_on)}
    if found.polls == 1:
        return {"@odata.type": f"{_NAMESPACE}.runningOperation", **shown, "status": "running"}
    if found.failed:
        error = {"code": "5000", "message": "No data available"}
        return {"@odata.type": f"{_NAMESPACE}.failedOperation", **shown, "status": "failed", "error": error}
    return {
        "@odata.type": f"{_NAMESPACE}.exportSuccessOperation",
        **shown,
        "status": "succeeded",
        "resourceLocation@odata.navigationLink": _manifest_url(request, found),
    }


def _manifest_url(request: Request, export: Export) -> str:
    return f"{version(request)}/{_PATH}/manifests/{export.manifest}"


def _manifest(request: Request, caller: Caller) -> JsonObject:
    """Return the manifest, each time with a new SAS."""
    require(caller, _READ)
    found, world = _found(request, caller, "manifest"), request.state.world
    site = request.state.site
    root = f"{site.authority}/blob" if site.local_port else "https://partnerbilling.blob.core.windows.net"
    names = [found.file_name(number) for number in range(len(found.rows))]
    return {
        "@odata.context": f"{version(request)}/$metadata#{_PATH}/manifests/$entity",
        "id": found.manifest,
        "createdDateTime": _moment(found.began_on),
        "schemaVersion": "2",
        "dataFormat": "compressedJSONLines",
        "partitionType": "default",
        "eTag": found.version,
        "partnerTenantId": found.tenant,
        "rootDirectory": f"{root}/exports/{found.id}",
        "sasToken": found.sas(world.clock.now()),
        "blobCount": len(names),
        "blobs": [{"name": name, "partitionValue": "default"} for name in names],
    }


def _found(request: Request, caller: Caller, name: str) -> Export:
    wanted = request.path_params["id"].lower()
    exports: dict[str, Export] = request.state.world.exports
    for found in exports.values():
        if getattr(found, name) == wanted and found.tenant == caller.tenant.id:
            return found
    raise not_found(wanted)


def _moment(epoch: float) -> str:
    return timestamp(epoch).replace(" ", "T")

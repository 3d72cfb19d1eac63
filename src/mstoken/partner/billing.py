"""Export a partner's billing data: begin it, wait, read the manifest, and download its files without the token.

Source: learn.microsoft.com/graph/api/resources/partners-billing-api-overview.
"""

from __future__ import annotations

from functools import cache

from mstoken.errors import UsageError
from mstoken.partner.billing_folder import ExportFolder
from mstoken.partner.billing_manifest import parse_manifest
from mstoken.redaction import shown
from mstoken.services.toml_subset import packaged, parse_tables
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mstoken.partner.api import PartnerApi
    from mstoken.partner.billing_manifest import Manifest
    from mstoken.rest.response import ApiResponse

    OnFile = Callable[[int, int], object]
    """Called with the number of files that are there, and of all."""

PERIODS, ATTRIBUTES = ("current", "last"), ("full", "basic")
_BODY = {"invoice": "invoiceId", "currency": "currencyCode", "period": "billingPeriod"}
_CLOUD = "public"
_REFUSED = 403
"""A storage account's answer to a signature whose time is over (AuthenticationFailed)."""


@value
class ExportKind:
    """One export: see billing.toml."""

    name: str
    path: str
    title: str
    needs: tuple[str, ...]


@value
class BillingExport:
    """The files of an export in `folder`, lines of JSON compressed with gzip; `version` is that of the data (eTag).

    `fetched` is how many of the files were downloaded now; the others were there already.
    """

    folder: str
    files: tuple[str, ...]
    version: str
    fetched: int


@cache
def export_kinds() -> dict[str, ExportKind]:
    """Return the exports by name."""
    tables: dict[str, dict[str, Any]] = {**parse_tables(packaged(__spec__, "billing.toml"))}
    return {name: ExportKind(name, **table) for name, table in tables.items()}


def export_kind(name: str) -> ExportKind:
    """Return the export with this name. Raises UsageError."""
    if name not in export_kinds():
        raise UsageError(f"{shown(name)!r} is no export.", f"Use {', '.join(export_kinds())}.")
    return export_kinds()[name]


def export_body(kind: ExportKind, given: Mapping[str, str], attributes: str) -> dict[str, str]:
    """Return the body of the request. `given`: `invoice`, `currency` and `period`, '' for none. Raises UsageError."""
    for name, text in given.items():
        if text and name not in kind.needs:
            raise UsageError(f"{kind.name} takes no {name}.", f"It needs {' and '.join(kind.needs)}.")
        if not text and name in kind.needs:
            raise UsageError(f"{kind.name} needs {' and '.join(kind.needs)}.", f"Give the {name}.")
    for name, text, choices in (("period", given["period"], PERIODS), ("attributes", attributes, ATTRIBUTES)):
        if text and text not in choices:
            raise UsageError(f"{shown(text)!r} is not one of the {name}.", f"Use {' or '.join(choices)}.")
    return {"attributeSet": attributes, **{_BODY[name]: given[name] for name in kind.needs}}


async def export_billing(
    api: PartnerApi,
    kind: str,
    folder: str,
    given: Mapping[str, str],
    attributes: str,
    on_file: OnFile | None = None,
) -> BillingExport:
    """Export to `folder`, which is created. Files of the same version that are there already are not fetched again.

    `kind` is the name of the export; `given` and `attributes` are as `export_body` takes them.

    Raises ApiRefused if the operation failed, such as without data; UnreadableAnswer for a manifest that is none and a
    damaged file; UsageError for parameters that do not fit, a folder that cannot be used, and in a cloud without these
    exports; otherwise what `Client.request`, `wait` and `download` raise.
    """
    chosen = export_kind(kind)
    body = export_body(chosen, given, attributes)
    if api.cloud != _CLOUD:
        raise UsageError("Billing data can be exported in the public cloud only.", "Download them in Partner Center.")
    target = await api.on_disk(lambda: ExportFolder(folder, {"kind": chosen.name, **body}))
    began = await api.request("POST", f"graph:{chosen.path}", json=body)
    done = (await api.wait(began.raise_for_status())).raise_for_status()
    manifest = await _manifest(api, done)
    missing = await api.on_disk(lambda: target.begin(manifest))
    for number, name in enumerate(missing, 1 + len(manifest.names) - len(missing)):
        manifest = await _fetch(api, manifest, name, target)
        if on_file:
            on_file(number, len(manifest.names))
    await api.on_disk(target.finish)
    return BillingExport(str(target.path), manifest.names, manifest.version, len(missing))


async def _manifest(api: PartnerApi, done: ApiResponse) -> Manifest:
    """Return the manifest of a finished operation: it has it, or its URL, or that was followed already."""
    body = done.json()
    operation: Mapping[str, Any] = body if isinstance(body, dict) else {}
    link = operation.get("resourceLocation@odata.navigationLink")
    if isinstance(link, str) and link and "rootDirectory" not in operation:
        return parse_manifest(await _read(api, link))
    return parse_manifest(operation.get("resourceLocation", operation))


async def _read(api: PartnerApi, url: str) -> Any:
    return (await api.request("GET", url)).raise_for_status().json()


async def _fetch(api: PartnerApi, manifest: Manifest, name: str, target: ExportFolder) -> Manifest:
    """Download a file. Return the manifest: once the signature's time is over, it is read again for a new one."""
    path = str(target.path / name)
    response = await api.download(manifest.url(name), path, manifest.place(name))
    if response.status == _REFUSED and (number := manifest.content.get("id")):
        found = parse_manifest(await _read(api, f"graph:/reports/partners/billing/manifests/{number}"))
        manifest = found if found.version == manifest.version else manifest
        response = await api.download(manifest.url(name), path, manifest.place(name))
    response.raise_for_status()
    await api.on_disk(lambda: target.keep(name))
    return manifest

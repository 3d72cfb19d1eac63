"""`client.partner().export_billing(kind, folder)`: 202, the manifest, and files that come without the token."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner

from entra_emulator import Emulator
from entra_emulator.model import Grant
from mstoken import ApiRefused, ClientSecret, TransportError, UnreadableAnswer, UsageError
from mstoken.partner.billing import export_kinds
from mstoken.partner.billing_manifest import parse_manifest

GRAPH = "00000003-0000-0000-c000-000000000000"
INVOICE = {"invoice": "G012345678"}
MANIFESTS = "/v1.0/reports/partners/billing/manifests/"
Export = Callable[..., Any]


@pytest.fixture
def billing(runner: Runner, csp: Emulator) -> Any:
    """The client of the partner's application, which may export."""
    app, tenant = csp.state.default_app, csp.state.default_tenant
    tenant.grants.append(Grant(app.id, GRAPH, roles=["PartnerBilling.Read.All"]))
    host = csp.environment()["AZURE_AUTHORITY_HOST"]
    client = runner.client(tenant.id, app.id, ClientSecret(app.secrets[0].value), host)
    use_fake_clock(client)
    return client


@pytest.fixture
def export(runner: Runner, billing: Any) -> Export:
    """Export as the partner's application."""
    return lambda *words, **options: runner.run(lambda: billing.partner().export_billing(*words, **options))


def blob_requests(csp: Emulator) -> list[tuple[str, int]]:
    """The names of the files that were requested, and the statuses of the responses."""
    return [(one.path.rpartition("/")[2], one.status) for one in csp.requests if one.service == "blob"]


def folder_of(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir())


def test_the_files_are_there_with_the_manifest_and_without_the_signature(
    csp: Emulator, export: Export, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    folder, given = tmp_path / "new" / "usage", {"currency": "EUR", "period": "last"}
    found = export("unbilled-usage", str(folder), **given, on_file=lambda *counts: seen.append(counts))
    assert (found.folder, len(found.files), found.fetched) == (str(folder), 2, 2)
    texts = [gzip.decompress((folder / name).read_bytes()) for name in found.files]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    assert {line["CustomerId"] for line in lines} == {one.id for one in csp.state.resold(csp.state.default_tenant)}
    assert {line["Currency"] for line in lines} == {"EUR"}
    manifest = (folder / "manifest.json").read_text()
    kept = json.loads(manifest)
    assert (kept["eTag"], sorted(kept["files"]), kept["blobCount"]) == (found.version, sorted(found.files), 2)
    assert kept["export"]["kind"] == "unbilled-usage"
    assert "sig=" not in manifest
    assert seen == [(1, 2), (2, 2)]
    assert folder_of(folder) == ["manifest.json", *found.files]
    assert [status for _, status in blob_requests(csp)] == [200, 200]  # a request with a token there is 403


@pytest.mark.parametrize("kind", sorted(export_kinds()))
def test_each_kind_is_exported(csp: Emulator, export: Export, tmp_path: Path, kind: str) -> None:
    given = INVOICE if kind.startswith("billed") else {"currency": "USD", "period": "current"}
    assert export(kind, str(tmp_path), **given, attributes="basic").fetched == 2
    [asked] = [one for one in csp.requests if one.method == "POST" and one.service == "graph"]
    assert asked.path == f"/v1.0{export_kinds()[kind].path}"


def test_a_file_of_the_same_version_is_not_fetched_again(export: Export, tmp_path: Path) -> None:
    first = export("billed-reconciliation", str(tmp_path), **INVOICE)
    assert export("billed-reconciliation", str(tmp_path), **INVOICE).fetched == 0
    (tmp_path / first.files[0]).unlink()
    (tmp_path / first.files[1]).write_bytes(b"cut")
    assert export("billed-reconciliation", str(tmp_path), **INVOICE).fetched == 2
    assert gzip.decompress((tmp_path / first.files[1]).read_bytes())


def test_a_new_version_replaces_the_files_of_the_old_one_when_it_is_there(
    csp: Emulator, export: Export, tmp_path: Path
) -> None:
    """While it is not complete, the old one stays; somebody else's files stay always."""
    (tmp_path / "notes.txt").write_text("mine")
    first = export("billed-usage", str(tmp_path), **INVOICE)
    csp.state.tenant("customer001.example").name = "Renamed"  # type: ignore[union-attr]
    csp.inject(service="blob", path="*part-00001*", status=404, times=None)
    with pytest.raises(ApiRefused):
        export("billed-usage", str(tmp_path), **INVOICE)
    assert set(folder_of(tmp_path)) > {*first.files, "notes.txt"}
    csp.faults.clear()
    second = export("billed-usage", str(tmp_path), **INVOICE)
    assert (second.fetched, second.version == first.version) == (1, False)
    assert folder_of(tmp_path) == ["manifest.json", "notes.txt", *second.files]


def test_an_interrupted_file_continues_with_a_new_signature(
    csp: Emulator, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The URL is another one then, but the file the same."""
    from entra_emulator.apis import blob
    from entra_emulator.faults import ABORT

    real, asked = blob._part, []

    def part(request: Request, content: bytes, etag: str) -> Response:
        asked.append((request.headers.get("range"), request.url.query))
        if request.headers.get("range"):
            return real(request, content, etag)

        async def half() -> Any:
            yield content[: len(content) // 2]
            abort = request.scope["extensions"][ABORT]
            await asyncio.sleep(0)  # the server joins what is written in one turn of its loop
            assert not abort.__self__.get_write_buffer_size()
            abort()
            while (await request.receive())["type"] != "http.disconnect":
                pass

        return StreamingResponse(half(), headers={"Content-Length": str(len(content)), "ETag": etag})

    monkeypatch.setattr(blob, "_part", part)
    found = export("billed-usage", str(tmp_path), **INVOICE)
    assert [where is not None for where, _ in asked] == [False, True, False, True]
    assert all(gzip.decompress((tmp_path / name).read_bytes()) for name in found.files)


def test_a_signature_whose_time_is_over_is_renewed(csp: Emulator, export: Export, tmp_path: Path) -> None:
    """The first time by a fault."""
    csp.inject(service="blob", status=403, times=1)
    assert export("billed-usage", str(tmp_path), **INVOICE).fetched == 2
    assert [status for _, status in blob_requests(csp)] == [403, 200, 200]
    assert len([one for one in csp.requests if one.path.startswith(MANIFESTS)]) == 2


def test_a_refused_signature_is_an_error_that_does_not_show_it(csp: Emulator, export: Export, tmp_path: Path) -> None:
    csp.inject(service="blob", status=403, times=None)
    with pytest.raises(ApiRefused) as caught:
        export("billed-usage", str(tmp_path), **INVOICE)
    assert "sig=" not in f"{caught.value} {caught.value.remedy} {caught.value!r}"
    assert len(blob_requests(csp)) == 2


def test_a_storage_account_that_does_not_answer_is_an_error_that_shows_no_signature(
    csp: Emulator, export: Export, tmp_path: Path
) -> None:
    csp.inject(service="blob", cut="during", times=None)
    with pytest.raises(TransportError) as caught:
        export("billed-usage", str(tmp_path), **INVOICE)
    assert "sig=" not in f"{caught.value} {caught.value.remedy} {caught.value!r}"


def test_a_damaged_file_is_refused_and_does_not_stay(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from entra_emulator import billing as exports

    real = exports._compressed
    monkeypatch.setattr(exports, "_compressed", lambda text: real(text)[:-4] + b"\0\0\0\0")
    with pytest.raises(UnreadableAnswer, match="damaged"):
        export("billed-usage", str(tmp_path), **INVOICE)
    assert folder_of(tmp_path) == ["manifest.json"]
    monkeypatch.undo()


def test_an_invoice_without_data_is_the_operations_error(export: Export, tmp_path: Path) -> None:
    with pytest.raises(ApiRefused, match="No data available"):
        export("billed-usage", str(tmp_path), invoice="X1")


def test_without_the_permission_the_refusal_names_it(csp: Emulator, export: Export, tmp_path: Path) -> None:
    csp.state.default_tenant.grants[-1].roles.clear()
    with pytest.raises(ApiRefused, match="403"):
        export("billed-usage", str(tmp_path), **INVOICE)


@pytest.mark.parametrize(
    ("kind", "given", "word"),
    [
        ("usage", {}, "no export"),
        ("billed-usage", {}, "needs invoice"),
        ("billed-usage", {"invoice": "G1", "currency": "EUR"}, "takes no currency"),
        ("unbilled-usage", {"currency": "EUR"}, "needs currency and period"),
        ("unbilled-usage", {"currency": "EUR", "period": "next"}, "is not one of the period"),
        ("billed-usage", {"invoice": "G1", "attributes": "all"}, "is not one of the attributes"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(
    csp: Emulator, export: Export, tmp_path: Path, kind: str, given: dict[str, str], word: str
) -> None:
    before = len(csp.requests)
    with pytest.raises(UsageError, match=word):
        export(kind, str(tmp_path / "x"), **given)
    assert len(csp.requests) == before
    assert not (tmp_path / "x").exists()


def test_another_cloud_is_refused_by_name(runner: Runner, tmp_path: Path) -> None:
    client = runner.client("contoso.example", "app", ClientSecret("not-a-secret"), "usgov")
    with pytest.raises(UsageError, match="public cloud only"):
        runner.run(lambda: client.partner().export_billing("billed-usage", str(tmp_path / "x"), **INVOICE))
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_used_is_said_before_the_export_begins(
    csp: Emulator, export: Export, tmp_path: Path
) -> None:
    """It cannot be made, has another export, or somebody else's manifest.json."""
    (tmp_path / "file").write_text("")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "manifest.json").write_text('{"name": "a web page"}')
    export("billed-usage", str(tmp_path / "other"), **INVOICE)
    before = len(csp.requests)
    for name, word in (("file/x", "cannot be used"), ("theirs", "not of mstoken"), ("other", "another export")):
        with pytest.raises(UsageError, match=word):
            export("billed-usage", str(tmp_path / name), invoice="G2")
    assert len(csp.requests) == before
    assert json.loads((tmp_path / "theirs" / "manifest.json").read_text()) == {"name": "a web page"}


def test_a_list_of_old_files_that_leaves_the_folder_removes_nothing(export: Export, tmp_path: Path) -> None:
    """`manifest.json` may have been changed by somebody."""
    folder, victim = tmp_path / "usage", tmp_path / "victim"
    export("billed-usage", str(folder), **INVOICE)
    victim.write_text("x")
    state = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(state | {"replaced": ["../victim"]}))
    with pytest.raises(UsageError, match="not of mstoken"):
        export("billed-usage", str(folder), **INVOICE)
    assert victim.exists()


MANIFEST: dict[str, Any] = {"rootDirectory": "https://x.example/a", "sasToken": "sig=s", "eTag": "v", "blobs": []}


@pytest.mark.parametrize(
    "name",
    ["../x", "a/b", "", ".", "..", "manifest.json", "MANIFEST.JSON", "C:x", "a\\b", "a?b", ".part", "a\n", None, 1],
)
def test_a_name_that_would_leave_the_folder_is_refused(name: object) -> None:
    with pytest.raises(UnreadableAnswer, match="no place"):
        parse_manifest({**MANIFEST, "blobs": [{"name": name}]})


@pytest.mark.parametrize(
    "changed",
    [
        {"rootDirectory": None},
        {"rootDirectory": "https://x.example/a?b"},
        {"sasToken": None},
        {"eTag": ""},
        {"blobCount": 1},
        {"blobs": [{"name": "a"}, {"name": "A"}]},
    ],
)
def test_a_manifest_that_is_not_clear_is_refused(changed: dict[str, Any]) -> None:
    assert parse_manifest(MANIFEST).names == ()
    with pytest.raises(UnreadableAnswer):
        parse_manifest({**MANIFEST, **changed})


def test_the_signature_is_in_no_repr() -> None:
    assert "sig=" not in repr(parse_manifest(MANIFEST))


@pytest.mark.parametrize(
    ("where", "word"), [("https://elsewhere.example/x", "no token was chosen"), ("http://127.0.0.1:1/x", "in clear")]
)
def test_a_manifest_elsewhere_gets_no_token(
    csp: Emulator, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, word: str
) -> None:
    from entra_emulator.apis.graph import billing as graph

    monkeypatch.setattr(graph, "_manifest_url", lambda *_: where)
    with pytest.raises(UsageError, match=word):
        export("billed-usage", str(tmp_path), **INVOICE)

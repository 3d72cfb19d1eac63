"""`mstoken permissions update`: fetch the complete public lists of permissions and roles."""

from __future__ import annotations

from mstoken.cli import output
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mstoken.permissions.sources import Fetched

DATA_SETS = ("graph", "azure")


def fetch_and_offer(names: Sequence[str], folder: str, expected: Sequence[str], *, yes: bool, as_text: bool) -> None:
    """Do what `mstoken permissions update` says. Raises UsageError, StoreError and what `fetch` raises."""
    from mstoken.cli.standard_input import at_terminal
    from mstoken.errors import UsageError
    from mstoken.permissions.sources import sources
    from mstoken.rest.permission_update import fetch
    from mstoken.transports.blocking import HttpTransport

    chosen = tuple(dict.fromkeys(names)) or DATA_SETS
    if folder and len(chosen) > 1:
        raise UsageError(
            "--from has the files of one data set.", "Name it: mstoken permissions update graph --from FOLDER"
        )
    transport = HttpTransport()
    try:
        found = [fetch(sources()[name], transport, folder) for name in chosen]
    finally:
        transport.close()
    _check(found, expected)
    records = [_offer(fetched, yes=yes, as_text=as_text) for fetched in found]
    if not as_text:
        output.write_json(records)
    if not at_terminal() and any(record["state"] == "declined" for record in records):
        raise UsageError("Nothing was stored: nobody can be asked here.", "To store without a question, add --yes.")


def _check(found: Sequence[Fetched], expected: Sequence[str]) -> None:
    """Raise UsageError if checksums are expected and a file has none of them."""
    from mstoken.errors import UsageError

    wanted = {text.strip().lower() for text in expected}
    for fetched in found:
        for name, checksum in fetched.checksums().items():
            if wanted and checksum not in wanted:
                raise UsageError(
                    f"{name} has the SHA-256 {checksum}, which is not an expected one. Nothing was stored.",
                    "Read what has changed in the file, then give its SHA-256.",
                )


def _offer(fetched: Fetched, *, yes: bool, as_text: bool) -> dict[str, Any]:
    """Show what was fetched, and store it if the user agrees. Return what was shown. Raises UsageError."""
    from datetime import UTC, datetime

    from mstoken.permissions.sources import size_of
    from mstoken.rest.permission_update import is_stored, store, stored

    source, day = fetched.source, datetime.now(UTC).date().isoformat()
    document, known = fetched.document(day), stored(fetched.source)
    checksums = fetched.checksums()
    record: dict[str, Any] = {
        "name": source.name,
        "files": [
            {"address": fetched.addresses[name], "bytes": len(content), "sha256": checksums[name]}
            for name, content in fetched.contents.items()
        ],
        "license": source.license,
        "copyright": source.copyright,
        "license_at": source.license_at,
        "has": size_of(document),
        "stored_on": known.get("dated"),
    }
    if as_text:
        _show(record, source.what)
    if is_stored(fetched):
        return _ended(record, "unchanged", f"{source.name} is up to date, as fetched on {known['dated']}.", as_text)
    if not yes and not _agrees(source.name):
        return _ended(record, "declined", f"{source.name} was not stored.", as_text)
    path = store(source, document)
    return _ended(record, "stored", f"{source.name} is stored in {path}.", as_text)


def _show(record: dict[str, Any], what: str) -> None:
    output.write(f"{record['name']}: {what}")
    for file in record["files"]:
        output.write_labelled("address", file["address"])
        output.write_labelled("size", f"{file['bytes']:,} bytes")
        output.write_labelled("SHA-256", file["sha256"])
    output.write_labelled("license", f"{record['license']}, {record['copyright']}, {record['license_at']}")
    output.write_labelled("has", f"{record['has']} (stored before: {record['stored_on'] or 'nothing'})")


def _ended(record: dict[str, Any], state: str, text: str, as_text: bool) -> dict[str, Any]:
    if as_text:
        output.write(text)
    return record | {"state": state}


def _agrees(name: str) -> bool:
    """Ask at a terminal; elsewhere nobody agrees."""
    from mstoken.cli.standard_input import at_terminal, read_line

    if not at_terminal():
        return False
    output.message(f"Store {name}? Type y to store it.")
    return read_line().strip().lower() in {"y", "yes"}

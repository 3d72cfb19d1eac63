"""`mstoken partner doctor`: what prevents you from working in customers' tenants, as text or as lines of JSON."""

from __future__ import annotations

from mstoken.cli import exit_codes, output
from mstoken.cli.error_handling import record_of
from mstoken.cli.tenants import Task, run_tenants
from mstoken.fleet.schedule import Pace
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import as_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mstoken.client import Client
    from mstoken.partner.diagnosis import Check, Diagnosis


def show(client: Client, tenant: str, *, as_json: bool) -> int:
    """Print the diagnosis of one tenant. Return the exit code: 0 if nothing failed, else that of the first failure."""
    found = client.partner().doctor(tenant)
    if as_json:
        output.write_json({"tenant": found.tenant, "checks": _records(found.checks)})
    else:
        output.write(found.tenant)
        for check in found.checks:
            _print(check)
    return exit_codes.DONE if found.failure is None else _code(found.failure)


def show_many(client: Client, names: Callable[[], dict[str, str]], concurrency: int) -> int:
    """Print a line of JSON for each tenant, and a summary. The checks of the sign-in are made once, and come first.

    `names` finds the tenants, which uses the sign-in.
    Returns the exit code of `run_tenants`; that of the sign-in if it failed, for then nothing else is tried.
    """
    shared = client.partner().sign_in_checks()
    for check in shared:
        output.message(f"{check.name}: {check.state}. {check.text}")
        if check.remedy:
            output.message(f"next: {check.remedy}")
    if failed := next((check for check in shared if check.state == "failed"), None):
        return _code(failed)
    records: dict[str, dict[str, Any]] = {}

    def work(tenant: Client, _: Callable[[], None]) -> dict[str, Any]:
        name = tenant.authority.tenant
        found = client.partner().tenant_checks(name)
        fields = {"checks": _records(found.checks)}
        _raise_failure(found, fields, name, records)
        return fields

    return run_tenants(client, names(), Task(work, Pace(concurrency), lambda name: records.pop(name, {})))


def _raise_failure(found: Diagnosis, fields: dict[str, Any], name: str, records: dict[str, dict[str, Any]]) -> None:
    """Raise the error of the first check that failed, so that it decides the tenant's outcome; keep its fields."""
    if found.failure is not None and found.failure.error is not None:
        records[name] = fields
        raise found.failure.error


def _records(checks: Sequence[Check]) -> list[dict[str, Any]]:
    return [
        {**as_dict(check), "remedy": check.remedy or None, "error": record_of(check.error) if check.error else None}
        for check in checks
    ]


def _print(check: Check) -> None:
    output.write_labelled(check.name, f"{check.state}: {check.text}")
    for line in check.remedy.splitlines():
        output.write_labelled("", f"next: {line}")


def _code(check: Check) -> int:
    return exit_codes.exit_code_of(check.error) if check.error else exit_codes.REFUSED

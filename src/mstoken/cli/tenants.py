"""Do the same in many tenants: `mstoken get` and `mstoken request` with `--tenants`."""

from __future__ import annotations

import json

from mstoken.cli import output
from mstoken.cli.tenant_lists import tenants_of
from mstoken.cli.tenant_progress import Progress
from mstoken.errors import ApiRefused, MstokenError, TokenRefused, UntrustedOrigin, UsageError
from mstoken.fleet.outcomes import UNKNOWN
from mstoken.fleet.schedule import TenantResult, may_repeat
from mstoken.fleet.threads import run
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mstoken.cli.tenant_journal import Journal
    from mstoken.client import Client
    from mstoken.fleet.schedule import Pace

_DEFINITE = (TokenRefused, ApiRefused, UsageError, UntrustedOrigin)
"""The service said no, or nothing was sent: the request was not executed."""


@value
class Task:
    """What is done in each tenant. `work` returns the fields of the tenant's result; what it raises is a failure.

    It gets a client of the tenant, and a function to call before it sends what may not be sent twice.
    `failure_fields` returns further fields of a failure, such as the API's response.
    """

    work: Callable[[Client, Callable[[], None]], dict[str, Any]]
    pace: Pace
    failure_fields: Callable[[str], dict[str, Any]] = lambda _: {}


def run_tenants(
    client: Client, source: str | dict[str, str], task: Task, journal_of: Callable[[], Journal] | None = None
) -> int:
    """Do the task in each tenant; print a line of JSON with the result of each as it arrives, and a summary at the end.

    `source` is that of `tenants_of`, or what it returns. Returns the exit code. With a journal, tenants that are done
    are left out, and those in doubt are results without being tried. Raises UsageError, and what listing the customers
    raises, before anything is done.
    """
    client.check_tenants()
    names = tenants_of(client, source) if isinstance(source, str) else source
    journal = journal_of() if journal_of else None
    done = set(names) & journal.done if journal else set[str]()
    progress = Progress(len(names), len(done))
    try:
        with progress:
            for result in _results(client, [name for name in names if name not in done], task, journal):
                record = _record(result, names[result.tenant], task)
                if journal and not (result.outcome == UNKNOWN and result.tenant in journal.in_doubt):
                    journal.finished(record)
                progress.add(result)
                progress.erase()
                output.write(json.dumps(record).replace("\x7f", "\\u007f"))
                progress.update()
    except KeyboardInterrupt:
        if journal:
            progress.message("The same command continues with the tenants that are not done.")
        raise
    finally:
        progress.summary()
        if journal:
            journal.close()
    return progress.exit_code()


def _results(client: Client, names: list[str], task: Task, journal: Journal | None) -> Iterator[TenantResult]:
    in_doubt = journal.in_doubt if journal else set[str]()
    for name in names:
        if name in in_doubt:
            yield TenantResult(name, UNKNOWN, None, _unknown(), 0)

    sent: set[str] = set()

    def sending(name: str) -> None:
        if not task.pace.repeatable:
            sent.add(name)
            if journal:
                journal.started(name)

    def work(name: str) -> dict[str, Any]:
        return task.work(client.for_tenant(name), lambda: sending(name))

    for result in run((name for name in names if name not in in_doubt), work, task.pace):
        doubtful = result.tenant in sent and _may_be_executed(result.error)
        sent.discard(result.tenant)
        yield replace(result, outcome=UNKNOWN) if doubtful else result


def _may_be_executed(error: Exception | None) -> bool:
    """Return whether the request that failed so may nevertheless have been executed."""
    return error is not None and not isinstance(error, _DEFINITE) and not may_repeat(error, repeatable=False)


def _unknown() -> MstokenError:
    return MstokenError(
        "An earlier run sent the request, and ended before its response came.",
        "Look in this tenant whether it was executed.",
    )


def _record(result: TenantResult, name: str, task: Task) -> dict[str, Any]:
    from mstoken.cli.error_handling import record_of

    record: dict[str, Any] = {"tenant": result.tenant, **({"name": name} if name else {}), "outcome": result.outcome}
    if result.error is None:
        return {**record, **result.value}
    return {**record, **task.failure_fields(result.tenant), "error": record_of(result.error)}

"""`--tenants` of `mstoken request`: the same request in many tenants."""

from __future__ import annotations

from mstoken.cli import output
from mstoken.cli.api_requests import body_fields, responses, with_body
from mstoken.cli.identity import client_for
from mstoken.cli.options import RequestArguments
from mstoken.cli.request_output import compiled
from mstoken.cli.request_placeholders import fill_in
from mstoken.cli.tenants import Task, run_tenants
from mstoken.fleet.schedule import Pace
from mstoken.rest.retry import is_idempotent
from mstoken.services import Scope
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.cli.tenant_journal import Journal
    from mstoken.client import Client
    from mstoken.rest.response import ApiResponse


def serve_tenants(arguments: RequestArguments) -> int:
    """Send the request in each tenant, and return the exit code: see `run_tenants`. Raises UsageError."""
    arguments = with_body(arguments)
    request = _TenantRequest(arguments)
    with client_for(arguments.flags()) as client:
        journal = (lambda: _journal(client, arguments)) if arguments.resume else None
        return run_tenants(client, arguments.tenants, request.task(), journal)


class _TenantRequest:
    """The request, and the responses of tenants in which it failed."""

    def __init__(self, arguments: RequestArguments) -> None:
        self._arguments = arguments
        self._query = compiled(arguments.query)
        self._repeatable = arguments.retry_unsafe or is_idempotent(arguments.method)
        self._failures: dict[str, dict[str, Any]] = {}
        self._warned: set[str] = set()

    def task(self) -> Task:
        """Return the task. A request that may not be repeated repeats itself where its service allows that, so that an
        idempotency key stays the same (rest/retry.toml); any other tenant makes room for others while it waits.
        """
        arguments = self._arguments
        retries = arguments.retries if self._repeatable else 0
        pace = Pace(arguments.concurrency, retries, self._repeatable, float(arguments.max_wait))
        return Task(self._work, pace, lambda tenant: self._failures.pop(tenant, {}))

    def _work(self, client: Client, sending: Callable[[], None]) -> dict[str, Any]:
        tenant = client.authority.tenant
        own = {"tenant": tenant, "retries": 0 if self._repeatable else self._arguments.retries}
        arguments = RequestArguments(**{**vars(self._arguments), **own})
        self._failures.pop(tenant, None)
        self._prepare(client, arguments)
        sending()
        items: list[Any] = []
        for response, page in responses(client, arguments):
            if not response.ok:
                self._failures[tenant] = {**_head(response), **body_fields(response)}
                response.raise_for_status()
            items += [] if page is None else page
            last, collection = response, page is not None
        if self._query:
            return {**_head(last), "body": self._query(items if collection else last.json())}
        return {**_head(last), **({"body": items} if collection else body_fields(last))}

    def _prepare(self, client: Client, arguments: RequestArguments) -> None:
        """Get the token, so that what fails from here on may have been executed; warn of the service once."""
        url = client.api_url(fill_in(arguments.url, client, arguments.subscription))
        wanted = Scope(arguments.scope) if arguments.scope else url
        warning = client.target(wanted).warning
        if warning and warning not in self._warned:
            self._warned.add(warning)
            output.message(warning)
        client.get_token(wanted, timeout=arguments.timeout or None)


def _head(response: ApiResponse) -> dict[str, Any]:
    return {"status": response.status, "headers": dict(response.headers)}


def _journal(client: Client, arguments: RequestArguments) -> Journal:
    """Open the file of --resume. Its header names the request, and has a digest of what may be secret in it."""
    from mstoken.cli.tenant_journal import Journal
    from mstoken.fingerprints import fingerprint_of_parts
    from mstoken.urls import redacted_url

    parts = ("scope", "origin", "subscription", "query", "every_page", "max_pages")
    said = [f"{name}={getattr(arguments, name)}" for name in parts]
    said += [*arguments.headers, *arguments.params, (arguments.body or b"").hex()]
    return Journal(
        arguments.resume,
        {
            "method": arguments.method,
            "url": redacted_url(arguments.url),
            "client_id": client.client_id,
            "authority": client.authority.origin,
            "digest": fingerprint_of_parts(arguments.url, *said),
        },
    )

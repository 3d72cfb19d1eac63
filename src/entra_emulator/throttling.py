"""Throttling: how much of an API its callers may use in a time, and what its headers say about it.

Sources: learn.microsoft.com/graph/throttling and .../graph/throttling-limits (resource units, `x-ms-throttle-…`),
learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling (`x-ms-ratelimit-…`),
learn.microsoft.com/partner-center/developer/api-throttling-guidance.
"""

import fnmatch
import functools
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from .ids import new_id
from .strict import Strict

SCOPES = ("Tenant_Application", "Tenant", "Application")
KINDS = ("ReadWrite", "Read", "Write")
_READS = ("GET", "HEAD", "OPTIONS")
_WARNS_FROM = 0.8  # Graph's x-ms-throttle-limit-percentage is absent below


@dataclass
class Throttle(Strict):
    """A limit of an API: how many units its requests may cost in a time.

    `units` in `window_in` seconds; a request of Graph costs by its path and options, others cost 1.
    `service`: graph, arm, partner or vault. `path`: only these paths; a star stands for any text.
    `scope`: whose requests count together: an application in a tenant (Tenant_Application), all of a tenant (Tenant),
    or an application in all tenants (Application). `kind`: Read, Write or ReadWrite requests count.
    `client`, `tenant`: only this application, or tenant; empty: each for itself.
    `says_when`: whether a 429 has Retry-After.
    """

    units: int = 0
    window_in: float = 10.0
    service: str = "graph"
    path: str = ""
    scope: str = "Tenant_Application"
    kind: str = "ReadWrite"
    client: str = ""
    tenant: str = ""
    says_when: bool = True
    id: str = field(default_factory=new_id)

    def __post_init__(self) -> None:
        """:raises ValueError: a value does not exist or makes no sense."""
        if self.scope not in SCOPES or self.kind not in KINDS:
            raise ValueError(f"scope is one of {', '.join(SCOPES)}, kind one of {', '.join(KINDS)}")
        if self.units < 1 or self.window_in <= 0:
            raise ValueError("units is at least 1, window_in more than 0")

    def covers(self, use: "Use") -> bool:
        """Return whether a request counts."""
        kinds = ("ReadWrite", "Read" if use.method in _READS else "Write")
        return (
            self.service == use.service
            and self.kind in kinds
            and self.client.lower() in ("", use.client.lower())
            and self.tenant.lower() in ("", use.tenant.lower())
            and (not self.path or fnmatch.fnmatch(use.path.lower(), self.path.lower()))
        )

    def whose(self, use: "Use") -> str:
        """Return the key under which a request counts."""
        names = {"Tenant": use.tenant, "Application": use.client}
        return names.get(self.scope, f"{use.tenant} {use.client}")


@dataclass(frozen=True)
class Use:
    """A request as it counts. `path` is below the service; `query` has the names of options in lower case."""

    service: str
    method: str
    path: str
    query: Mapping[str, str]
    tenant: str
    client: str

    @functools.cached_property
    def cost(self) -> int:
        """Resource units."""
        return _graph_cost(self) if self.service == "graph" else 1


class Throttled(Exception):
    """A request is refused because of a limit."""

    def __init__(self, body: dict[str, Any], headers: list[tuple[str, str]]) -> None:
        super().__init__("429")
        self.body, self.headers = body, headers


class Usage:
    """What each caller has used, by limit. Refused requests count too."""

    def __init__(self) -> None:
        self._spent: dict[tuple[str, str], list[tuple[float, int]]] = {}

    def count(self, throttles: list[Throttle], use: Use, now: float) -> list[tuple[str, str]]:
        """Count a request; return the headers that its response gets.

        :raises Throttled: it is over a limit.
        """
        headers = [("x-ms-resource-unit", str(use.cost))] if use.service == "graph" else []
        for throttle in throttles:
            if throttle.covers(use):
                headers += self._count(throttle, use, now)
        return headers

    def _count(self, throttle: Throttle, use: Use, now: float) -> list[tuple[str, str]]:
        key = (throttle.id, throttle.whose(use))
        spent = self._spent[key] = [
            (at, cost) for at, cost in self._spent.get(key, []) if now - throttle.window_in < at <= now
        ]
        spent.append((now, use.cost))
        used = sum(cost for _, cost in spent)
        if used > throttle.units:
            raise _refusal(throttle, use, _wait_in(throttle, spent, now))
        return _warnings(throttle, use, used)


def _wait_in(throttle: Throttle, spent: list[tuple[float, int]], now: float) -> int:
    """Return the whole seconds until enough of what was spent is out of the window."""
    used = sum(cost for _, cost in spent)
    for at, cost in spent:
        used -= cost
        if used < throttle.units:
            return max(1, math.ceil(at + throttle.window_in - now))
    return max(1, math.ceil(throttle.window_in))


def _warnings(throttle: Throttle, use: Use, used: int) -> list[tuple[str, str]]:
    if _of_resource_graph(use):
        return _quota(throttle.units - used, throttle.window_in)
    if use.service == "arm":
        below = "subscription" if "/subscriptions/" in use.path.lower() else "tenant"
        kinds = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
        name = f"x-ms-ratelimit-remaining-{below}-{kinds.get(use.method, 'writes')}"
        return [(name, str(throttle.units - used))]
    share = used / throttle.units
    return (
        [("x-ms-throttle-limit-percentage", f"{share:.2g}")] if use.service == "graph" and share > _WARNS_FROM else []
    )


def _refusal(throttle: Throttle, use: Use, wait_in: int) -> Throttled:
    headers = [("Retry-After", str(wait_in))] if throttle.says_when else []
    if use.service == "graph":
        place = use.client if throttle.scope == "Application" else use.tenant
        reason = "WriteLimitExceeded" if throttle.kind == "Write" else "ResourceUnitLimitExceeded"
        headers += [
            ("x-ms-throttle-scope", f"{throttle.scope}/{throttle.kind}/{use.client}/{place}"),
            ("x-ms-throttle-information", reason),
        ]
        inner = {"code": "429", "message": "Please retry after", "status": "429"}
        error: dict[str, Any] = {"code": "TooManyRequests", "message": "Please retry again later.", "innerError": inner}
        return Throttled({"error": error}, headers)
    if _of_resource_graph(use):
        error = {"code": "RateLimiting", "message": "Please provide below info when asking for support."}
        return Throttled({"error": error}, _quota(0, wait_in))
    if use.service == "arm":
        below = "Subscription" if "/subscriptions/" in use.path.lower() else "Tenant"
        message = f"Too many requests of this caller. Please try again after '{wait_in}' seconds."
        return Throttled({"error": {"code": f"{below}RequestsThrottled", "message": message}}, headers)
    if use.service == "partner":
        return Throttled({"code": 429, "description": "Too many requests.", "data": [], "source": "Emulator"}, headers)
    error = {"code": "Throttled", "message": "Request was not processed because too many requests were received."}
    return Throttled({"error": error}, headers)


def _of_resource_graph(use: Use) -> bool:
    return use.service == "arm" and use.path.lower().startswith("/providers/microsoft.resourcegraph/")


def _quota(remaining: int, resets_in: float) -> list[tuple[str, str]]:
    """Return Resource Graph's headers, which it sends in place of Retry-After.

    Source: learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
    """
    seconds = math.ceil(resets_in)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return [("x-ms-user-quota-remaining", str(remaining)), ("x-ms-user-quota-resets-after", clock)]


@functools.cache
def _costs() -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("data/throttling.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _graph_cost(use: Use) -> int:
    """Return the resource units of a request to Graph: by path; less with $select and a small $top, more with $expand.

    A request costs at least one.
    """
    table = _costs()
    path = "/" + use.path.lower().lstrip("/").partition("/")[2]  # without the version
    cost = next(
        (entry["units"] for entry in table["request"] if fnmatch.fnmatch(path, entry["path"])), table["usual"]["units"]
    )
    top = use.query.get("$top", "")
    cost += table["select"]["units"] if "$select" in use.query else 0
    cost += table["expand"]["units"] if "$expand" in use.query else 0
    cost += table["small_top"]["units"] if top.isdigit() and int(top) < table["small_top"]["below"] else 0
    return max(int(cost), 1)

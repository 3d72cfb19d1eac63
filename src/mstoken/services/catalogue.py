"""The catalogue of services: the content of `services.toml`, as values.

The TOML file is the only source. Most lookups concern one service and come before a cached token, so they search the
file as text for the blocks that may match and parse only those (measured in docs/decisions/0002). Only the parsed
values decide what matches; the text search may return too many blocks, but never too few.
"""

from __future__ import annotations

from functools import cache

from mstoken.services.toml_subset import packaged, parse_tables
from mstoken.typed import TYPE_CHECKING, Any, Literal
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

AppOnly = Literal["yes", "partial", "no"]
Verified = Literal["registered", "source", "recalled"]

_VERIFIED_TEXT: dict[Verified, str] = {
    "registered": "its identifier is registered in Entra (public cloud, January 2026)",
    "source": "seen in the source of Microsoft's or well-known tools, not in the list of registered identifiers",
    "recalled": "from memory of the documentation; nothing confirmed it",
}


@value
class Endpoint:
    """One service in one cloud.

    `scope` and `api` may contain `{host}`: the host of the customer's own instance. `instances` are the patterns of
    that host (or host/path), with `*` for each part that the customer names; the first pattern with the right number
    of parts is used. `hosts` are the API's host names, with `*` for one label. They default to `instances`, and always
    include the host of `api`.
    """

    cloud: str
    scope: str
    api: str = ""
    instances: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    @property
    def resource(self) -> str:
        """The identifier that a token is for: the scope without its permission. A registered trailing slash stays."""
        return split_scope(self.scope)[0]


@value
class Service:
    """One Microsoft service: what to request in each cloud, and how the values were confirmed.

    `name` is its short name and `aliases` are further ones, in lower case. `scopes` maps a cloud's name to its scope;
    `identifiers` are the identifier URIs registered for it in the public cloud. `app_only` says whether the service
    accepts an application without a user, `app_only_note` what to request then. `verified` says how the entry was
    confirmed; `unverified_clouds` names the clouds whose values are not confirmed. Entra still issues tokens for
    `retired` services. `any_slash` says that the API accepts tokens for its resource with and without the final slash.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    endpoints: Mapping[str, Endpoint] = field(repr=False)
    app_id: str = ""
    app_only: AppOnly = "yes"
    app_only_note: str = ""
    verified: Verified = "registered"
    unverified_clouds: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    retired: bool = False
    any_slash: bool = False
    source: str = field(default="", repr=False)
    notes: str = field(default="", repr=False)

    @property
    def scopes(self) -> dict[str, str]:
        """The scope by cloud name, for the clouds that have the service."""
        return {name: endpoint.scope for name, endpoint in self.endpoints.items()}

    @property
    def clouds(self) -> tuple[str, ...]:
        """Names of the clouds that have the service."""
        return tuple(self.endpoints)

    @property
    def api_base(self) -> str:
        """The API's base URL in the public cloud, or in the service's first cloud; empty if it has none."""
        return next(iter(self.endpoints.values())).api

    @property
    def instances(self) -> tuple[str, ...]:
        """The patterns of an instance's host in the public cloud; empty if all customers share one host."""
        return next(iter(self.endpoints.values())).instances

    @property
    def needs_instance(self) -> bool:
        """True if a token requires the name of an instance, as for SharePoint and Dataverse."""
        return "{host}" in next(iter(self.endpoints.values())).scope

    @property
    def needs_user(self) -> bool:
        """True if the service's usual token is for a signed-in user."""
        scope = next(iter(self.endpoints.values())).scope
        return self.app_only != "yes" or not scope.endswith("/.default")

    @property
    def verified_text(self) -> str:
        """A phrase that says how the entry was confirmed."""
        return _VERIFIED_TEXT[self.verified]


def split_scope(scope: str) -> tuple[str, str]:
    """Split `resource/permission` into the two. The resource keeps a trailing slash of its own (`https://x//.default`)."""
    resource, _, permission = scope.rpartition("/")
    return resource, permission


def _endpoint(cloud: str, values: Mapping[str, Any]) -> Endpoint:
    api = str(values.get("api", ""))
    instances = tuple(values.get("instances", ()))
    hosts = [host.split("/", 1)[0] for host in values.get("hosts", instances)]
    if api.startswith("https://") and "{" not in api:
        hosts.append(api.removeprefix("https://").split("/", 1)[0])
    return Endpoint(cloud, values["scope"], api, instances, tuple(dict.fromkeys(hosts)))


def _service(name: str, values: Mapping[str, Any]) -> Service:
    endpoints = {key: _endpoint(key, value) for key, value in values.items() if isinstance(value, dict)}
    plain: dict[str, Any] = {key: value for key, value in values.items() if not isinstance(value, dict)}
    plain |= {key: tuple(plain.get(key, ())) for key in ("aliases", "unverified_clouds", "identifiers")}
    return Service(name=name, endpoints=endpoints, **plain)


@cache
def _text() -> str:
    return packaged(__spec__, "services.toml")


@cache
def _lowered() -> str:
    return _text().lower()


@cache
def _parse(start: int, end: int) -> tuple[Service, ...]:
    return tuple(_service(name, values) for name, values in parse_tables(_text()[start:end]).items())


def catalogue() -> tuple[Service, ...]:
    """Return every service, in the file's order. Parses the whole file once."""
    return _parse(0, len(_text()))


def _candidates(needles: Iterable[str]) -> Iterator[Service]:
    """Yield the services whose block contains one of the texts, in the file's order; no false negatives."""
    text = _lowered()
    starts = set()
    for needle in needles:
        at = text.find(needle)
        while at >= 0:
            starts.add(text.rfind("\n[", 0, at + 2) + 1)
            at = text.find(needle, at + 1)
    for start in sorted(starts - {0}):  # 0 is the comment at the start of the file
        end = text.find("\n[", start)
        yield from _parse(start, end if end >= 0 else len(text))


def by_name(name: str) -> Service | None:
    """Return the service with that name or alias, in any letter case; None if it does not exist."""
    wanted = name.lower()
    if '"' in wanted or "]" in wanted or "\n" in wanted:
        return None
    for found in _candidates((f"\n[{wanted}]\n", f'"{wanted}"')):
        if wanted == found.name or wanted in found.aliases:
            return found
    return None


def by_app_id(app_id: str) -> Service | None:
    """Return the first service of that application, None if it has none. One application can have several services."""
    wanted = app_id.lower()
    return next((found for found in _candidates((f'app_id = "{wanted}"',)) if found.app_id == wanted), None)


def by_resource(resource: str) -> tuple[tuple[Service, Endpoint | None], ...]:
    """Return the services whose token is for that resource, in the file's order, each with the matching endpoint.

    A trailing slash and letter case do not matter. The endpoint is None if the resource is only one of the service's
    further registered identifiers.
    """
    bare = resource.rstrip("/").lower()
    found: list[tuple[Service, Endpoint | None]] = []
    for service in _candidates((f'"{bare}"', f'"{bare}/')):
        ends = [end for end in service.endpoints.values() if end.resource.rstrip("/").lower() == bare]
        if ends:
            found.extend((service, end) for end in ends)
        elif any(bare == uri.rstrip("/").lower() for uri in service.identifiers):
            found.append((service, None))
    return tuple(found)


def host_matches(pattern: str, host: str) -> bool:
    """Return whether a host name matches a pattern, label by label; `*` matches any one label."""
    wanted, labels = pattern.split("."), host.split(".")
    return len(wanted) == len(labels) and all(
        want == have or (want == "*" and have != "") for want, have in zip(wanted, labels, strict=True)
    )


def _host_patterns(host: str) -> Iterator[str]:
    """Yield the only patterns by which services.toml may name this host (a test checks the file)."""
    labels = host.split(".")
    for stars in ((), (0,), (0, 1), (0, 2), (0, 1, 2)):
        if len(labels) >= len(stars) + 2:
            yield ".".join("*" if index in stars else label for index, label in enumerate(labels))


def by_host(host: str) -> tuple[tuple[Service, Endpoint], ...]:
    """Return the services whose API has that host name (lower case, no port), in the file's order, with endpoints."""
    needles = [before + pattern for pattern in _host_patterns(host) for before in ('"', "/")]
    return tuple(
        (service, endpoint)
        for service in _candidates(needles)
        for endpoint in service.endpoints.values()
        if any(host_matches(pattern, host) for pattern in endpoint.hosts)
    )

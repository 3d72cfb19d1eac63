"""Full scopes and resources: the catalogue adds information and never replaces one with another."""

from __future__ import annotations

from mstoken.clouds import CLOUDS, PUBLIC, Cloud
from mstoken.later import Later
from mstoken.services.catalogue import by_app_id, by_host, by_resource, split_scope
from mstoken.services.registry import registered
from mstoken.services.target import Target, is_guid, is_verified, target_of, warning_for
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.services import resolve_errors
    from mstoken.services.catalogue import Endpoint, Service
else:
    resolve_errors = Later("mstoken.services.resolve_errors")

Hits = tuple[tuple["Service", "Endpoint"], ...]


def in_cloud(hits: Hits, cloud: Cloud) -> Hits:
    """Return the hits of this cloud, else those of a cloud with the same authority (GCC High and DoD share one)."""
    exact = tuple(hit for hit in hits if hit[1].cloud == cloud.name)
    sisters = {other.name for other in CLOUDS if other.authority_host == cloud.authority_host}
    return exact or tuple(hit for hit in hits if hit[1].cloud in sisters)


def of_resource(resource: str, cloud: Cloud) -> Target:
    """Return the target of a resource. The catalogue's form of its scope has the slash as registered."""
    known = by_resource(resource)
    hits = in_cloud(tuple((service, end) for service, end in known if end is not None), cloud)
    if hits:
        service, endpoint = hits[0]
        usual = target_of(service, endpoint, cloud)
        return _scoped(
            service, cloud, f"{endpoint.resource}/.default", usual.api_base, needs_user=service.app_only != "yes"
        )
    clouds = [end.cloud for _, end in known if end is not None]
    if clouds:
        raise resolve_errors.other_cloud(resource, clouds, cloud)
    service = known[0][0]
    if cloud.name not in service.endpoints:
        raise resolve_errors.not_in_cloud(service, cloud)
    form = registered_form(resource)
    return _scoped(service, cloud, f"{form}/.default", None, needs_user=service.app_only != "yes")


def _scoped(service: Service, cloud: Cloud, scope: str, api_base: str | None, *, needs_user: bool) -> Target:
    return Target(
        service=service,
        scopes=(scope,),
        resource=split_scope(scope)[0],
        api_base=api_base,
        needs_user=needs_user,
        verified=is_verified(service, cloud),
        warning=warning_for(service, cloud, needs_user=needs_user),
    )


def of_scope(scope: str, cloud: Cloud) -> Target:
    """Return the target of a full scope, which is used literally, with one exception. The catalogue adds information.

    `/.default` of a service that accepts its resource with and without the final slash (`any_slash`) is one scope, so
    that SDKs, az and the service's name share a cached token (docs/decisions/0002). Any scope other than `/.default`
    needs a user: client credentials accept no other scope (AADSTS1002012).
    """
    resource, permission = split_scope(scope)
    default = permission == ".default"
    known = _known_resource(resource, cloud)
    if known is None:
        verified = registered(resource) is not None and cloud.name == PUBLIC.name
        return Target(service=None, scopes=(scope,), resource=resource, needs_user=not default, verified=verified)
    service, endpoint = known
    needs_user = not default or (service.app_only == "no" and service.verified != "recalled")
    warning = warning_for(service, cloud, needs_user=needs_user)
    api, instance = "", None
    if endpoint:
        instance = resource.removeprefix("https://").strip("/").lower() if "{host}" in endpoint.scope else None
        api = endpoint.api.replace("{host}", instance) if instance else endpoint.api
        if service.any_slash and default and _same_but_for_slash(resource, endpoint.resource):
            resource = endpoint.resource
            scope = f"{resource}/.default"
        if not in_cloud(((service, endpoint),), cloud):
            warning = f"{resolve_errors.elsewhere(resource, [endpoint.cloud], cloud)} {warning}".strip()
    return Target(
        service=service,
        scopes=(scope,),
        resource=resource,
        api_base=api if api and "{host}" not in api else None,
        instance=instance,
        needs_user=needs_user,
        verified=is_verified(service, cloud),
        warning=warning,
    )


def _same_but_for_slash(one: str, other: str) -> bool:
    return one.rstrip("/").lower() == other.rstrip("/").lower()


def _known_resource(resource: str, cloud: Cloud) -> tuple[Service, Endpoint | None] | None:
    """Return the service that a resource belongs to: by identifier, by application id, or as an instance's own host."""
    if is_guid(resource):
        service = by_app_id(resource)
        return (service, service.endpoints.get(cloud.name)) if service else None
    known = by_resource(resource)
    if known:
        in_this_cloud = in_cloud(tuple((service, end) for service, end in known if end is not None), cloud)
        return in_this_cloud[0] if in_this_cloud else known[0]
    host = resource.removeprefix("https://").rstrip("/").lower()
    if not resource.startswith("https://") or "/" in host:
        return None
    own = tuple(hit for hit in by_host(host) if "{host}" in hit[1].scope)
    return (in_cloud(own, cloud) or own)[0] if own else None


def registered_form(resource: str) -> str:
    found = registered(resource)
    return found[0] if found else resource


def custom(resource: str, cloud: Cloud, api_base: str | None = None) -> Target:
    """Return the target of a resource outside the catalogue, with its own scope."""
    return Target(
        service=None,
        scopes=(f"{resource}/.default",),
        resource=resource,
        api_base=api_base,
        verified=registered(resource) is not None and cloud.name == PUBLIC.name,
    )

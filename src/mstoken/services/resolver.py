"""Resolve the names and URLs that users write to the token that they need.

A known service's token is selected only by its name, its application ID, its resource, or a host that the catalogue
lists for it, never by a part of a URL that merely resembles one. A full scope is used literally (but see `any_slash`
in services.toml). An unknown resource is never replaced by another one.
"""

from __future__ import annotations

import re

from mstoken.clouds import PUBLIC, Cloud
from mstoken.errors import UsageError
from mstoken.later import Later
from mstoken.services import split_scopes, strict_url
from mstoken.services.catalogue import by_host, by_name, by_resource, host_matches, split_scope
from mstoken.services.registry import registered
from mstoken.services.scopes import Hits, custom, in_cloud, of_resource, of_scope, registered_form
from mstoken.services.target import (
    OIDC_SCOPES,
    Scope,
    Target,
    is_guid,
    is_permission,
    is_scope_token,
    target_of,
)
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mstoken.services import resolve_errors
    from mstoken.services.catalogue import Service
else:
    resolve_errors = Later("mstoken.services.resolve_errors")

_VERSION = r"(?i:v?[0-9][0-9.]*|beta|preview|api|odata)"

# Entra accepts these as identifier URIs besides https (learn.microsoft.com, "Restrictions on identifier URIs").
_IDENTIFIER_SCHEMES = frozenset({"api", "urn", "spn", "ms-appx", "ms-appx-web", "ms-device-service"})


def resolve(what: str, cloud: Cloud = PUBLIC) -> Target:
    """Return the token that `what` needs in `cloud`.

    `what` is a service's name (`graph`), a name and an instance (`sharepoint:contoso`), a name and a permission
    (`partner/.default`), an API URL, a resource's identifier URI, an application id, a full scope, or a Graph
    permission alone (`User.Read`). `resolve_all` merges several, separated by spaces or commas.

    Raises UsageError if the answer would be a guess: for an unknown word, an API URL of an unknown host, a service that
    the cloud does not have, or a URL that programs parse in different ways.
    """
    words = split_scopes.split((what,))
    if len(words) > 1:
        return resolve_all(words, cloud)
    text = words[0] if words else ""
    if not text or not text.isprintable() or text.startswith(("/", "\\")):
        raise resolve_errors.unreadable(what)
    scheme, colon, rest = text.partition(":")
    if colon and rest.startswith("//") and scheme.lower() in {"https", "http"}:
        return _of_url(text, cloud)
    if colon and scheme.lower() in _IDENTIFIER_SCHEMES and rest.strip("/"):
        return _of_identifier(text, cloud)
    return _of_instance(scheme, rest, cloud) if colon else _of_word(text, cloud)


def resolve_all(scopes: Sequence[str], cloud: Cloud = PUBLIC) -> Target:
    """Return the token for several scopes of one resource, and for the OpenID Connect scopes beside them.

    A text may contain several scopes, separated by spaces or commas. A `Scope` is used literally, so that an unknown
    https resource with a path is valid. Raises UsageError if the scopes belong to different resources, since a token
    has one audience, or if `/.default` is mixed with single permissions, which Entra refuses (AADSTS70011).
    """
    scopes = split_scopes.split(scopes) or scopes
    plain = [scope for scope in scopes if scope.lower() not in OIDC_SCOPES]
    extra = tuple(dict.fromkeys(scope.lower() for scope in scopes if scope.lower() in OIDC_SCOPES))
    if not plain:
        if not extra:
            raise UsageError(
                "No service and no scope was given.", "Name one, such as graph; `mstoken services` lists them."
            )
        return _with_extra(resolve("graph", cloud), (), extra)
    targets = [_of_scope(scope, cloud) if isinstance(scope, Scope) else resolve(scope, cloud) for scope in plain]
    first = targets[0]
    resources = dict.fromkeys(target.resource.rstrip("/").lower() for target in targets)
    if len(resources) > 1:
        raise UsageError(
            f"These scopes belong to different resources: {', '.join(target.resource for target in targets)}.",
            "A token is for one resource: ask for each of them in a call of its own.",
        )
    merged = tuple(dict.fromkeys(scope for target in targets for scope in target.scopes))
    if len({scope.endswith("/.default") for scope in merged}) > 1:
        raise resolve_errors.mixed_default(first.resource)
    return _with_extra(first, merged, extra) if extra or len(targets) > 1 else first


def _with_extra(target: Target, scopes: tuple[str, ...], extra: tuple[str, ...]) -> Target:
    from mstoken.values import replace

    needs_user = bool(extra) or target.needs_user or any(not scope.endswith("/.default") for scope in scopes)
    return replace(target, scopes=scopes + extra, needs_user=needs_user)


def _of_word(text: str, cloud: Cloud) -> Target:
    """Resolve a word without a colon: a name, an application id, a host without a scheme, or a permission."""
    found = by_name(text)
    if found:
        return _of_service(found, cloud)
    head, slash, rest = text.partition("/")
    if is_guid(head):
        return of_scope(f"{head.lower()}/{rest or '.default'}", cloud)
    found = by_name(head) if rest == ".default" or is_permission(rest) else None
    if found:
        return of_scope(f"{_of_service(found, cloud).resource}/{rest}", cloud)
    if "." in head and by_host(head.lower()):
        return _of_url(f"https://{text}", cloud)
    if text.lower() in OIDC_SCOPES:
        return resolve_all((text,), cloud)
    if text == ".default" or (not slash and is_permission(text)):
        graph = resolve("graph", cloud)
        return of_scope(f"{graph.resource}/{text}", cloud)
    raise resolve_errors.unknown_name(text)


def _of_service(service: Service, cloud: Cloud) -> Target:
    endpoint = service.endpoints.get(cloud.name)
    if endpoint is None:
        raise resolve_errors.not_in_cloud(service, cloud)
    if "{host}" in endpoint.scope:
        raise resolve_errors.needs_instance(service)
    return target_of(service, endpoint, cloud)


def _of_instance(name: str, instance: str, cloud: Cloud) -> Target:
    """Resolve `name:instance`: the instance's short name or its host, perhaps with a region (`dataverse:org.crm4`)."""
    service = by_name(name)
    if service is None:
        raise resolve_errors.unknown_name(name)
    endpoint = service.endpoints.get(cloud.name)
    if endpoint is None:
        raise resolve_errors.not_in_cloud(service, cloud)
    labels = instance.lower().split(".")
    if not endpoint.instances:
        raise resolve_errors.no_instances(service)
    if not all(_is_label(label) for label in labels):
        raise resolve_errors.bad_instance(service, instance)
    host = instance.lower()
    if any(host_matches(pattern, host) for pattern in endpoint.hosts):
        return target_of(service, endpoint, cloud, host)
    for form in endpoint.instances:
        if form.count("*") == len(labels):
            filled = form.replace("*", "{}").format(*labels)
            if "/" in form or any(host_matches(pattern, filled) for pattern in endpoint.hosts):
                return target_of(service, endpoint, cloud, filled)
    raise resolve_errors.bad_instance(service, instance)


def _is_label(text: str) -> bool:
    """Return whether `text` is a label of a host name (RFC 1123 section 2.1).

    A label has at most 63 letters, digits and hyphens, and no hyphen at either end.
    """
    return text.isascii() and text.replace("-", "").isalnum() and text.strip("-") == text and len(text) <= 63


def _of_url(text: str, cloud: Cloud) -> Target:
    """Resolve a URL with a host: as a full scope, as a resource, or as an API's address, in this order."""
    if _is_for_any_host(text):
        return of_resource(text, cloud) if by_resource(text) else of_scope(text, cloud)
    at = strict_url.parse_url(text)
    resource, permission = split_scope(at.identifier)
    full_scope = not at.has_query and permission == ".default"
    if at.scheme == "http" and (not full_scope or by_host(at.host)):
        raise resolve_errors.not_https(text)
    if full_scope:
        return of_scope(at.identifier, cloud)
    if not at.has_query:
        if by_resource(at.identifier):
            return of_resource(at.identifier, cloud)
        if is_permission(permission) and _is_resource(resource, at.host):
            return of_scope(at.identifier, cloud)
    hits = by_host(at.host)
    return _of_host(hits, at, cloud) if hits else _of_unknown_host(at, cloud)


def _is_for_any_host(text: str) -> bool:
    """Return whether it is a resource in the catalogue with `*` as a label of its host, as for Analysis Services."""
    resource, permission = split_scope(text)
    return "*" in text and bool(by_resource(resource if permission == ".default" else text))


def _of_unknown_host(at: strict_url.HttpUrl, cloud: Cloud) -> Target:
    """Return the token for a URL outside the catalogue, if it can be a resource. Raises UsageError if it cannot."""
    alone = not at.has_query and at.path.rfind("/") <= 0  # at most one part, so perhaps meant as a permission
    if registered(at.origin) and not (alone and at.path.strip("/")):
        return custom(registered_form(at.origin), cloud, api_base=at.origin)
    if at.path in {"", "/"} and not at.has_query:
        return custom(at.identifier, cloud)
    if not at.has_query and is_permission(split_scope(at.identifier)[1]):
        return of_scope(at.identifier, cloud)
    raise resolve_errors.unknown_host(at)


def _is_resource(resource: str, host: str) -> bool:
    """Return whether a known service's tokens are for `resource`: in the catalogue, or as an instance's own host."""
    bare = resource.rstrip("/")
    return bool(by_resource(bare)) or (
        bare == f"https://{host}" and any("{host}" in endpoint.scope for _, endpoint in by_host(host))
    )


def _of_host(hits: Hits, at: strict_url.HttpUrl, cloud: Cloud) -> Target:
    """Resolve an API's address by its host. Raises UsageError for another cloud's host, where the token is invalid."""
    in_this_cloud = in_cloud(hits, cloud)
    if at.port or at.path.startswith("//"):
        raise resolve_errors.odd_address(at, hits[0][0])
    if not in_this_cloud:
        raise resolve_errors.other_cloud(at.origin, [endpoint.cloud for _, endpoint in hits], cloud)
    # A host that is listed literally takes precedence over another service's pattern that it matches too.
    in_this_cloud = tuple(hit for hit in in_this_cloud if at.host in hit[1].hosts) or in_this_cloud
    service, endpoint = in_this_cloud[0]
    if not at.has_query and not _may_be_address(at.path, endpoint.api):
        raise resolve_errors.no_address(at, service, endpoint.api)
    if len({endpoint.scope for _, endpoint in in_this_cloud}) > 1:
        raise resolve_errors.ambiguous(at.host, [service for service, _ in in_this_cloud])
    own = any(host_matches(pattern, at.host) for pattern in endpoint.instances) or "{host}" in endpoint.scope
    return target_of(service, endpoint, cloud, at.host if own else None)


def _may_be_address(path: str, api: str) -> bool:
    """Return whether a path can belong to an API whose addresses all begin with a part such as a version (`/v1.0`).

    Any other single part is a misspelled permission: `https://graph.microsoft.com/UserRead`.
    """
    if not api.startswith("https://") or "{" in api:
        return True
    begins = strict_url.parse_url(api).path.strip("/").partition("/")[0]
    first, _, rest = path.strip("/").partition("/")
    return not begins or not first or bool(rest) or first == begins or bool(re.fullmatch(_VERSION, first))


def _of_identifier(text: str, cloud: Cloud) -> Target:
    """Resolve `api://…`, `urn:…` and similar URIs: a resource, or a scope if the last part is a permission."""
    permission = split_scope(text)[1]
    if permission == ".default":
        return of_scope(text, cloud)
    if by_resource(text):
        return of_resource(text, cloud)
    if registered(text):
        return custom(registered_form(text), cloud)
    after = text.partition("://")[2] if "://" in text else text
    if "/" in after.rstrip("/") and not is_guid(permission) and permission:
        return of_scope(text, cloud)
    return custom(text, cloud)


def _of_scope(scope: Scope, cloud: Cloud) -> Target:
    """Resolve a text that was given as a scope, whatever its form; names and bare permissions keep their meaning."""
    text = str(scope)
    if not is_scope_token(text):
        raise resolve_errors.no_scope(text)
    if "/" in text.partition("://")[2].rstrip("/"):
        if text.lower().startswith(("https:", "http:")) and not _is_for_any_host(text):
            strict_url.parse_url(text)
        return of_scope(text, cloud)
    if not (":" in text or "/" in text or is_guid(text) or is_permission(text) or text == ".default" or by_name(text)):
        raise resolve_errors.no_scope(text)
    return resolve(text, cloud)

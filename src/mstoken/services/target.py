"""The result of resolving a service, and the rules about scopes that all resolvers share."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from mstoken.clouds import Cloud
    from mstoken.services.catalogue import Endpoint, Service

# OpenID Connect Core sections 3.1.2.1, 5.4 and 11: scopes that name no resource.
OIDC_SCOPES = frozenset({"openid", "profile", "offline_access", "email"})

# Second parts of lower-case permissions, or whole permissions, in Microsoft's and customers' APIs.
_LONE_PERMISSIONS = frozenset({"user_impersonation", "access_as_user"})
_VERBS = frozenset({"read", "readwrite", "readbasic", "write", "send", "manage", "create", "all"})


class Scope(str):
    """A full scope, used literally: `Scope("https://api.contoso.com/files")` is not an API URL.

    It is not equal to the same text as `str`, which may be an API URL, so that a cache keeps their results apart.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scope) and str.__eq__(self, other)

    def __hash__(self) -> int:
        return hash((Scope, str(self)))


@value
class Target:
    """What to request from the token service, and the API that the token is for.

    `scopes` are for the v2.0 token endpoint. `resource` is for a v1.0 endpoint or a managed identity, and is the
    expected audience. `api_base` is a URL (host and port for protocols other than HTTP), None if the service has none
    or the instance is not named. `service` is None for a resource outside the catalogue. `needs_user` means that an
    application without a user cannot get this token. `verified` is False if nobody has confirmed that Entra knows the
    resource; `warning` then says so. It also reports retired services and other unexpected behavior.
    """

    service: Service | None
    scopes: tuple[str, ...]
    resource: str
    api_base: str | None = None
    instance: str | None = None
    needs_user: bool = False
    verified: bool = False
    warning: str = ""


def is_scope_token(text: str) -> bool:
    """Return whether `text` can be a scope: visible ASCII except `"` and backslash (RFC 6749 section 3.3)."""
    return bool(text) and all("!" <= letter <= "~" and letter not in '"\\' for letter in text)


def is_guid(text: str) -> bool:
    """Return whether `text` has the form of an application id: 8-4-4-4-12 hexadecimal digits."""
    parts = text.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(
        letter in "0123456789abcdefABCDEF" for part in parts for letter in part
    )


def is_permission(text: str) -> bool:
    """Return whether `text` has the form of a permission: `User.Read`, `user_impersonation`, `msads.manage`.

    Entra defines no syntax for permissions, and RFC 6749 section 3.3 allows nearly any text. This function therefore
    uses the naming conventions of APIs: words joined by dots that each begin with a capital letter, or a verb at the
    end. A version number (`v1.0`) is not a permission.
    """
    if text.lower() in _LONE_PERMISSIONS:
        return True
    words = text.split(".")
    if len(words) < 2 or not all(word.replace("-", "").replace("_", "").isalnum() for word in words):
        return False
    if not text.isascii() or not text[0].isalpha():
        return False
    return all(word[0].isupper() for word in words) or any(word.lower() in _VERBS for word in words[1:])


def target_of(service: Service, endpoint: Endpoint, cloud: Cloud, instance: str | None = None) -> Target:
    """Return the usual token of a service in a cloud. `instance` is a host (or host/path) if the endpoint needs it."""
    scope = endpoint.scope.replace("{host}", (instance or "").split("/", 1)[0])
    needs_user = service.app_only != "yes" or not scope.endswith("/.default")
    api = endpoint.api.replace("{host}", instance) if instance else endpoint.api
    return Target(
        service=service,
        scopes=(scope,),
        resource=scope.rpartition("/")[0],
        api_base=api if api and "{host}" not in api else None,
        instance=instance,
        needs_user=needs_user,
        verified=is_verified(service, cloud),
        warning=warning_for(service, cloud, needs_user=needs_user),
    )


def is_verified(service: Service, cloud: Cloud) -> bool:
    """Return whether the service's values in that cloud are confirmed."""
    return service.verified != "recalled" and cloud.name not in service.unverified_clouds


def warning_for(service: Service, cloud: Cloud, *, needs_user: bool) -> str:
    """Return the warning about this service in this cloud; empty if there is none.

    It mentions that an application can make only some of the calls, unless this token needs a user anyway.
    """
    warnings = []
    if service.retired:
        warnings.append(f"{service.title}: Microsoft has retired this service.")
    if service.verified == "recalled":
        warnings.append(f"{service.title}: scope and host are unverified ({service.verified_text}).")
    elif cloud.name in service.unverified_clouds:
        warnings.append(f"{service.title}: its scope and host in the cloud {cloud.name} are unverified.")
    if service.app_only == "partial" and not needs_user:
        warnings.append(f"{service.title}: most calls need a user's token, an application's own is good for some only.")
    return " ".join(warnings)

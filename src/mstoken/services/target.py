"""The answer to "which token does this need?", and the small rules of scopes that every way to an answer shares."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from mstoken.clouds import Cloud
    from mstoken.services.catalogue import Endpoint, Service

# OpenID Connect Core section 3.1.2.1 and 5.4, section 11: scopes that name no resource.
OIDC_SCOPES = frozenset({"openid", "profile", "offline_access", "email"})

# Second halves of permissions that are written in lower case, or alone, in first-party and customers' APIs.
_LONE_PERMISSIONS = frozenset({"user_impersonation", "access_as_user"})
_VERBS = frozenset({"read", "readwrite", "readbasic", "write", "send", "manage", "create", "all"})


class Scope(str):
    """A scope in its full form, taken as it is: `Scope("https://api.contoso.com/files")` is no API URL.

    It differs from the same text as `str`, which may be an API URL, wherever answers are remembered.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scope) and str.__eq__(self, other)

    def __hash__(self) -> int:
        return hash((Scope, str(self)))


@value
class Target:
    """What to ask the token service for, and where the token goes.

    `scopes` are ready for the v2.0 token endpoint; `resource` is what a v1.0 endpoint or a managed identity takes, and
    the audience to expect. `api_base` is a URL (or host and port for protocols that are not HTTP), None when the
    service has none or its instance was not named. `service` is None for a resource outside the catalogue.
    `needs_user` means an application alone will not get this token. `verified` is False when nobody confirmed that
    Entra knows the resource; `warning` then says so, and it also tells of retired services and of other surprises.
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
    """Whether `text` can be a scope: visible ASCII without quotation marks and backslashes (RFC 6749 section 3.3)."""
    return bool(text) and all("!" <= letter <= "~" and letter not in '"\\' for letter in text)


def is_guid(text: str) -> bool:
    """Whether `text` is written like an application id, 8-4-4-4-12 hexadecimal digits."""
    parts = text.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(
        letter in "0123456789abcdefABCDEF" for part in parts for letter in part
    )


def is_permission(text: str) -> bool:
    """Whether `text` is written like a permission: `User.Read`, `Mail.Send`, `user_impersonation`, `msads.manage`.

    Entra has no syntax for them (RFC 6749 section 3.3 allows nearly anything), so this goes by how APIs name theirs:
    words joined by dots, each beginning with a capital, or ending in a verb. Version numbers (`v1.0`) are none.
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
    """The usual token of a service in a cloud. `instance` is its host (or host/path) where the endpoint needs one."""
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
    """Whether somebody confirmed the service's values in that cloud."""
    return service.verified != "recalled" and cloud.name not in service.unverified_clouds


def warning_for(service: Service, cloud: Cloud, *, needs_user: bool) -> str:
    """What a user should hear about this service in this cloud; empty when there is nothing.

    That an application alone is good for some calls only is news where this token does not need a user anyway.
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

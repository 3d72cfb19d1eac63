"""Check that a token is sent only to the origin that it is for."""

from __future__ import annotations

from mstoken import services
from mstoken.errors import UntrustedOrigin, UsageError
from mstoken.messages import advice
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import bare_origin, origin_of

if TYPE_CHECKING:
    from mstoken.clouds import Cloud
    from mstoken.services import Target


def check_origin(url: str, target: Target, cloud: Cloud, allowed_origin: str = "") -> None:
    """Raise UntrustedOrigin unless the token of `target` may be sent to `url`. Call it before anything is sent.

    The origin must be `allowed_origin`, or the resource's own, or one that the catalogue has for the same service in
    `cloud`.
    """
    origin = origin_of(url, "The URL")
    if allowed_origin:
        if origin == bare_origin(allowed_origin, "The origin"):
            return
    elif _is_resource(origin, target.resource) or _same_service(url, target, cloud):
        return
    raise UntrustedOrigin(
        f"{origin} is not where tokens for {_name(target)} belong; nothing was sent.",
        f"If it is meant, name it: {advice(options=f'--origin {origin}', python=f'origin={origin!r}')}.",
    )


def _is_resource(origin: str, resource: str) -> bool:
    """Return whether the origin is the resource's: `https://api.contoso.com` for `https://api.contoso.com/orders`."""
    if not resource.startswith("https://"):
        return False
    try:
        return origin_of(resource, "The resource") == origin
    except UsageError:
        return False


def _same_service(url: str, target: Target, cloud: Cloud) -> bool:
    try:
        found = services.resolve(url, cloud)
    except UsageError:
        return False
    return found.service is not None and found.resource.rstrip("/") == target.resource.rstrip("/")


def _name(target: Target) -> str:
    return target.service.title if target.service else target.resource

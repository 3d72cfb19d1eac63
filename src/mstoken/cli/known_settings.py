"""The known settings of the user, for defaults and for commands in messages; never for tokens."""

from __future__ import annotations


def known_settings() -> dict[str, str]:
    """Return tenant, client_id, profile, account, authority (a host) and cloud; '' for unknown ones.

    An invalid configuration counts as unknown: the function raises no error and reads no secret.
    """
    from mstoken.config.layers import Layers
    from mstoken.errors import MstokenError
    from mstoken.hidden import ENVIRON

    names = ("tenant", "client_id", "account")
    try:
        layers = Layers.of({}, ENVIRON)
        known = {name: layers.text(name) for name in names}
        authority, cloud, _ = layers.authority_settings()
    except (MstokenError, OSError, ValueError):
        return dict.fromkeys((*names, "profile", "authority", "cloud"), "")
    profile = layers.profile.name if layers.profile else ""
    return {**known, "profile": profile, "authority": _host(authority) or _host_of_cloud(cloud), "cloud": cloud}


def _host(authority: str) -> str:
    return authority.removeprefix("https://").rstrip("/")


def _host_of_cloud(name: str) -> str:
    from mstoken import clouds

    return clouds.cloud(name).authority_host if name else ""

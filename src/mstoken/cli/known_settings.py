"""What the caller has configured, as far as it can be told; for defaults and for commands to show, never for tokens."""

from __future__ import annotations


def known_settings() -> dict[str, str]:
    """tenant, client_id, profile, account, authority (a host) and cloud of environment and profile; '' for unknown.

    A configuration that cannot be used is one that says nothing: no error is raised, and no secret is read.
    """
    import os

    from mstoken.config.layers import Layers
    from mstoken.errors import MstokenError

    names = ("tenant", "client_id", "account")
    try:
        layers = Layers.of({}, os.environ)
        known = {name: layers.text(name) for name in names}
        authority, cloud, _ = layers.place()
    except (MstokenError, OSError, ValueError):
        return dict.fromkeys((*names, "profile", "authority", "cloud"), "")
    profile = layers.profile.name if layers.profile else ""
    return {**known, "profile": profile, "authority": _host(authority) or _host_of_cloud(cloud), "cloud": cloud}


def _host(authority: str) -> str:
    return authority.removeprefix("https://").rstrip("/")


def _host_of_cloud(name: str) -> str:
    from mstoken import clouds

    return clouds.cloud(name).authority_host if name else ""

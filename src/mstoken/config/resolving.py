"""Settings from flags, environment and profile: the two ways in."""

from __future__ import annotations

import os

from mstoken.config import environment
from mstoken.config.layers import Layers
from mstoken.errors import NotConfigured
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.config.settings import Settings


def resolve_settings(flags: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings for `flags` (tenant, client_id, profile, cloud, authority; '' means not given).

    Each setting comes from its flag, else from the environment, else from the profile: the one that the flag or
    MSTOKEN_PROFILE names, or the one called `default`, which is read only when flags and environment make no complete
    identity. Raises NotConfigured that names everything missing; UsageError for a profile that cannot be used.
    """
    return Layers.of(flags, environ).settings()


def settings_from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the environment alone; reads no profile. Raises NotConfigured that names everything missing."""
    given = environment.read_variables(environ)
    if missing := environment.missing(given):
        raise NotConfigured(
            "The environment names no complete identity; not set: "
            + ", ".join(environment.names(one_of, environ) for one_of in missing),
            "Set them, or use a profile, which `mstoken login` writes: Client.from_profile().",
        )
    return Layers({}, given, None, environ).settings()

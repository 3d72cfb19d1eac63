"""Settings from flags, environment and profile: the two entry points."""

from __future__ import annotations

from mstoken.config import environment
from mstoken.config.layers import Layers
from mstoken.errors import NotConfigured
from mstoken.hidden import ENVIRON
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.config.settings import Settings


def resolve_settings(flags: Mapping[str, str], environ: Mapping[str, str] = ENVIRON) -> Settings:
    """Return the settings for `flags` (tenant, client_id, profile, cloud, authority; '' means not given).

    Each setting comes from its flag, else from the environment, else from the profile: the one that the flag or
    MSTOKEN_PROFILE names, or `default`, which is read only if flags and environment do not make a complete identity.
    Raises NotConfigured, which names everything missing; UsageError for a profile that cannot be used.
    """
    return Layers.of(flags, environ).settings()


def settings_from_environment(environ: Mapping[str, str] = ENVIRON) -> Settings:
    """Return the settings of the environment alone, without a profile.

    Raises NotConfigured, which names everything missing.
    """
    variables = environment.read_variables(environ)
    if missing := environment.missing(variables):
        raise NotConfigured(
            "The environment does not describe a complete identity. Not set: "
            + ", ".join(environment.names(one_of, environ) for one_of in missing),
            "Set them, or use a profile, which `mstoken login` writes: Client.from_profile().",
        )
    return Layers({}, variables, None, environ).settings()

"""The settings of one client, resolved: flag, then environment, then profile."""

from __future__ import annotations

import os

from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.credentials import Credential


@value
class Settings:
    """What a client is made of. `authority` is a host or URL, `cloud` a name; both empty mean the public cloud.

    An `authority` of one's own (an emulator, a proxy) may stand for any `cloud`; one of Microsoft's fits the cloud.
    `token_endpoint` is set for a standard OAuth 2.0 server instead. `store` is the URL of a shared store and may hold
    a password; empty is this machine's own. `profile` names where the rest came from, if any.
    `notes` are sentences the user should hear, such as an environment variable that overrides the profile.
    """

    tenant: str
    client_id: str
    credential: Credential
    cloud: str = ""
    authority: str = ""
    token_endpoint: str = ""
    store: str = field(default="", repr=False)
    profile: str = ""
    notes: tuple[str, ...] = ()


def resolve(flags: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings for `flags` (tenant, client_id, profile, cloud, authority; '' is not given).

    Each setting comes from its flag, else from the environment, else from the profile: the one named by flag or
    MSTOKEN_PROFILE, or the one called `default`, which is looked at only when flags and environment make no complete
    identity. Raises NotConfigured that names all that is missing; UsageError for a profile that cannot be used.
    """
    from mstoken.config.layers import Layers

    return Layers.of(flags, environ).settings()

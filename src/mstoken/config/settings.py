"""The settings of one client, resolved: flag, then environment, then profile."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
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

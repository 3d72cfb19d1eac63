"""The settings of one client, resolved: flag, then environment, then profile."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from mstoken.credentials import Credential


@value
class Settings:
    """The settings of a client. `authority` is a host or URL, `cloud` a name; both empty mean the public cloud.

    A custom `authority` (an emulator, a proxy) may stand for any `cloud`; one of Microsoft's fits the cloud.
    `token_endpoint` is set for a standard OAuth 2.0 server instead. `store` is the URL of a shared store and may
    contain a password; empty means this machine's own. `profile` names the profile that was used, if any.
    `notes` are sentences for the user, for example about a variable that overrides the profile.
    """

    tenant: str
    client_id: str
    credential: Credential
    cloud: str = ""
    authority: str = ""
    token_endpoint: str = ""
    store: str = field(default="", secret=True)
    profile: str = ""
    notes: tuple[str, ...] = ()

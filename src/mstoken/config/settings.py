"""The settings of one client, resolved: flag, then environment, then profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import Credential


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client is made of. `authority` is a host or URL, `cloud` a name; both empty mean the public cloud.

    `token_endpoint` is set for a standard OAuth 2.0 server instead. `profile` names where the rest came from, if any.
    """

    tenant: str
    client_id: str
    credential: Credential
    cloud: str = ""
    authority: str = ""
    token_endpoint: str = ""
    profile: str = ""

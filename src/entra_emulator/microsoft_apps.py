"""Microsoft's own public clients, such as the Azure CLI, which exist in every tenant; from data/microsoft_apps.toml.

They need no consent for preauthorized permissions, and get no other permissions of Microsoft's APIs (AADSTS65002).
"""

import functools
import tomllib
from dataclasses import dataclass, field
from importlib import resources

from .applications import App

TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The tenant of Microsoft's own applications (learn.microsoft.com, "Verify first-party Microsoft applications")."""
_NATIVE = "https://login.microsoftonline.com/common/oauth2/nativeclient"
_OTHERS = "*"


@dataclass(frozen=True)
class MicrosoftApp:
    """A public client of Microsoft's. `preauthorized`: permissions by API, with `*` for Microsoft's other APIs.

    `consent`: users may consent to further permissions of Microsoft Graph.
    """

    id: str
    name: str
    family: bool = False
    redirect_uris: tuple[str, ...] = ()
    preauthorized: dict[str, list[str]] = field(default_factory=dict)
    consent: bool = False

    def scopes(self, resource: str) -> tuple[str, ...]:
        """Return the permissions of one of Microsoft's APIs that the client has without consent."""
        return tuple(self.preauthorized.get(resource, self.preauthorized.get(_OTHERS, ())))

    def registration(self) -> App:
        """Return the client as a new application registration, which may be changed."""
        uris = [*self.redirect_uris, _NATIVE]
        return App(self.id, self.name, TENANT, audience="all", public=True, family=self.family, redirect_uris=uris)


@functools.cache
def microsoft_apps() -> dict[str, MicrosoftApp]:
    """Return every such client by its application id."""
    table = tomllib.loads(resources.files(__package__).joinpath("data/microsoft_apps.toml").read_text(encoding="utf-8"))
    return {
        fields["id"]: MicrosoftApp(**{**fields, "redirect_uris": tuple(fields["redirect_uris"])})
        for fields in table["apps"]
    }

"""Find the token that a service needs: from a name, an API URL, a resource, an application id or a scope.

    >>> resolve("graph").scopes
    ('https://graph.microsoft.com/.default',)
    >>> resolve("https://myvault.vault.azure.net/secrets/x").resource
    'https://vault.azure.net'
    >>> resolve("sharepoint:contoso").api_base
    'https://contoso.sharepoint.com/_api'

The catalogue is data: `services.toml` beside this file, shown as a table in docs/services.md.
"""

from mstoken.services.catalogue import Endpoint, Service, catalogue
from mstoken.services.catalogue_search import search
from mstoken.services.registry import identifiers_of, registered, service_of
from mstoken.services.resolver import resolve, resolve_all
from mstoken.services.split_scopes import plain_scopes
from mstoken.services.target import Scope, Target

__all__ = [
    "Endpoint",
    "Scope",
    "Service",
    "Target",
    "catalogue",
    "identifiers_of",
    "plain_scopes",
    "registered",
    "resolve",
    "resolve_all",
    "search",
    "service_of",
]

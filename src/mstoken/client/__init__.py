"""Client and AsyncClient: where services, flows, stores and transports are wired together, and nothing else.

Both have the shape of azure-core's `TokenCredential` and `SupportsTokenInfo`, so an Azure SDK client takes either as
its credential: learn.microsoft.com/python/api/azure-core/azure.core.credentials
"""

from mstoken.client.asyncio import AsyncClient
from mstoken.client.blocking import Client, default

__all__ = ["AsyncClient", "Client", "default"]

"""Client and AsyncClient: where services, flows, stores and transports are wired together, and nothing else.

Both have the shape of azure-core's `TokenCredential` and `SupportsTokenInfo`, so an Azure SDK client takes either as
its credential: learn.microsoft.com/python/api/azure-core/azure.core.credentials
"""

from mstoken.client.blocking import Client, default

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mstoken.client.asyncio import AsyncClient
else:

    def __getattr__(name: str) -> object:
        """Import AsyncClient when it is first used: a command needs one client, and programs one of the two."""
        if name != "AsyncClient":
            raise AttributeError(f"module 'mstoken.client' has no attribute {name!r}")
        from mstoken.client import asyncio

        globals()[name] = asyncio.AsyncClient
        return asyncio.AsyncClient


__all__ = ["AsyncClient", "Client", "default"]

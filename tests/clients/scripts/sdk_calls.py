"""One call with each SDK, whose only credential is mstoken's client. `sdk_calls.py blocking|asyncio URL`.

Prints one line for each SDK: its name and what the call returned. `URL` is a server that answers for all of them but
Microsoft Graph, which the emulator is.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from mstoken import AsyncClient, Client

HELLO = [{"role": "user", "content": "hello"}]
COGNITIVE = "https://cognitiveservices.azure.com/.default"


class Calls:
    """The SDKs' blocking clients."""

    def __init__(self, url: str, credential: Any) -> None:
        self.url, self.credential = url, credential

    async def graph(self) -> Any:
        """Its client is async, and takes credentials of both kinds."""
        from msgraph import GraphServiceClient

        found = await GraphServiceClient(credentials=self.credential).organization.get()
        return found.value[0].display_name

    async def graph_refuses(self) -> Any:
        """A user that does not exist is the SDK's own exception, with the service's code."""
        from kiota_abstractions.api_error import APIError
        from msgraph import GraphServiceClient

        try:
            await GraphServiceClient(credentials=self.credential).users.by_user_id("nobody@nowhere.example").get()
        except APIError as error:
            return f"{type(error).__name__} {error.response_status_code} {error.error.code}"

    def adlfs(self) -> Any:
        from adlfs import AzureBlobFileSystem

        host = urlsplit(self.url).netloc
        files = AzureBlobFileSystem("account", credential=AsyncClient.from_env(), account_host=host)
        return files.ls("container")

    def inference(self) -> Any:
        from azure.ai.inference import ChatCompletionsClient

        client = ChatCompletionsClient(self.url, self.credential, credential_scopes=[COGNITIVE])
        return client.complete(messages=HELLO).choices[0].message.content

    def projects(self) -> Any:
        from azure.ai.projects import AIProjectClient

        return [one.name for one in AIProjectClient(self.url, self.credential).connections.list()]

    def openai(self) -> Any:
        from azure.identity import get_bearer_token_provider
        from openai import AzureOpenAI

        provider = get_bearer_token_provider(self.credential, COGNITIVE)
        client = AzureOpenAI(azure_endpoint=self.url, azure_ad_token_provider=provider, api_version="2024-10-21")
        return client.chat.completions.create(model="gpt", messages=HELLO).choices[0].message.content

    def blob(self) -> Any:
        from azure.storage.blob import ContainerClient

        return ContainerClient(self.url, "container", credential=self.credential).exists()

    def tables(self) -> Any:
        from azure.data.tables import TableClient

        return TableClient(self.url, "orders", credential=self.credential).get_entity("1", "2")["name"]

    def appconfiguration(self) -> Any:
        from azure.appconfiguration import AzureAppConfigurationClient

        client = AzureAppConfigurationClient(self.url, self.credential, audience="https://azconfig.io/")
        return client.get_configuration_setting("color").value

    def cosmos(self) -> Any:
        from azure.cosmos import CosmosClient

        return [one["id"] for one in CosmosClient(self.url, self.credential).list_databases()]

    def servicebus(self) -> Any:
        from azure.servicebus.management import ServiceBusAdministrationClient

        return ServiceBusAdministrationClient(urlsplit(self.url).netloc, self.credential).get_queue("orders").name

    def search(self) -> Any:
        from azure.search.documents import SearchClient

        return SearchClient(self.url, "index", self.credential).get_document_count()

    def ingestion(self) -> Any:
        from azure.monitor.ingestion import LogsIngestionClient

        return LogsIngestionClient(self.url, self.credential).upload("dcr-1", "Custom-Orders", [{"a": 1}])

    def kusto(self) -> Any:
        from azure.kusto.data import KustoClient, KustoConnectionStringBuilder

        builder = KustoConnectionStringBuilder.with_azure_token_credential(self.url, self.credential)
        return KustoClient(builder).execute("db", "print 1").primary_results[0][0][0]

    def mssql(self) -> Any:
        """What the driver is given with the connection, and how far a connection without a server comes."""
        import struct

        import mssql_python
        from mssql_python.auth import acquire_token_from_credential

        from mstoken.integrations.databases import sql_server_token

        given, expires_on = acquire_token_from_credential(self.credential)[:2]
        length = struct.unpack("<I", given[:4])[0]
        text = given[4:].decode("utf-16-le")
        token = self.credential.get_token("https://database.windows.net/.default")
        assert (length, text, int(expires_on)) == (len(given) - 4, token.token, token.expires_on)
        assert given == sql_server_token(token.token)
        try:
            mssql_python.connect("Server=tcp:127.0.0.1,9;Database=db", token_provider=self.credential)
        except mssql_python.Error as error:
            return type(error).__name__


class AsyncCalls:
    """The SDKs' clients for asyncio."""

    def __init__(self, url: str, credential: Any) -> None:
        self.url, self.credential = url, credential

    graph, graph_refuses = Calls.graph, Calls.graph_refuses

    async def inference(self) -> Any:
        from azure.ai.inference.aio import ChatCompletionsClient

        async with ChatCompletionsClient(self.url, self.credential, credential_scopes=[COGNITIVE]) as client:
            return (await client.complete(messages=HELLO)).choices[0].message.content

    async def projects(self) -> Any:
        from azure.ai.projects.aio import AIProjectClient

        async with AIProjectClient(self.url, self.credential) as client:
            return [one.name async for one in client.connections.list()]

    async def openai(self) -> Any:
        from azure.identity.aio import get_bearer_token_provider
        from openai import AsyncAzureOpenAI

        provider = get_bearer_token_provider(self.credential, COGNITIVE)
        options: Any = {"azure_endpoint": self.url, "azure_ad_token_provider": provider, "api_version": "2024-10-21"}
        async with AsyncAzureOpenAI(**options) as client:
            return (await client.chat.completions.create(model="gpt", messages=HELLO)).choices[0].message.content

    async def blob(self) -> Any:
        from azure.storage.blob.aio import ContainerClient

        async with ContainerClient(self.url, "container", credential=self.credential) as client:
            return await client.exists()

    async def tables(self) -> Any:
        from azure.data.tables.aio import TableClient

        async with TableClient(self.url, "orders", credential=self.credential) as client:
            return (await client.get_entity("1", "2"))["name"]

    async def appconfiguration(self) -> Any:
        from azure.appconfiguration.aio import AzureAppConfigurationClient

        async with AzureAppConfigurationClient(self.url, self.credential, audience="https://azconfig.io/") as client:
            return (await client.get_configuration_setting("color")).value

    async def cosmos(self) -> Any:
        from azure.cosmos.aio import CosmosClient

        async with CosmosClient(self.url, self.credential) as client:
            return [one["id"] async for one in client.list_databases()]

    async def servicebus(self) -> Any:
        from azure.servicebus.aio.management import ServiceBusAdministrationClient

        async with ServiceBusAdministrationClient(urlsplit(self.url).netloc, self.credential) as client:
            return (await client.get_queue("orders")).name

    async def search(self) -> Any:
        from azure.search.documents.aio import SearchClient

        async with SearchClient(self.url, "index", self.credential) as client:
            return await client.get_document_count()

    async def ingestion(self) -> Any:
        from azure.monitor.ingestion.aio import LogsIngestionClient

        async with LogsIngestionClient(self.url, self.credential) as client:
            return await client.upload("dcr-1", "Custom-Orders", [{"a": 1}])

    async def kusto(self) -> Any:
        from azure.kusto.data import KustoConnectionStringBuilder
        from azure.kusto.data.aio import KustoClient

        builder = KustoConnectionStringBuilder.with_azure_token_credential(self.url, self.credential)
        async with KustoClient(builder) as client:
            return (await client.execute("db", "print 1")).primary_results[0][0][0]


def show(name: str, call: Callable[[], Any]) -> None:
    """Print what the call returned, or the error in its place."""
    try:
        result = call()
        if inspect.iscoroutine(result):
            result = asyncio.run(result)
        print(name, result, flush=True)  # noqa: T201 - this is what it is run for
    except Exception as error:  # noqa: BLE001 - the others are called too
        print(name, "FAILED", type(error).__name__, " ".join(str(error).split()), flush=True)  # noqa: T201


async def show_async(name: str, call: Callable[[], Awaitable[Any]]) -> None:
    try:
        print(name, await call(), flush=True)  # noqa: T201
    except Exception as error:  # noqa: BLE001
        print(name, "FAILED", type(error).__name__, " ".join(str(error).split()), flush=True)  # noqa: T201


def main(kind: str, url: str) -> None:
    names = [name for name in vars(AsyncCalls if kind == "asyncio" else Calls) if not name.startswith("_")]
    if kind == "blocking":
        with Client.from_env() as client:
            for name in names:
                show(name, getattr(Calls(url, client), name))
        return

    async def all_of_them() -> None:
        async with AsyncClient.from_env() as client:
            for name in names:
                await show_async(name, getattr(AsyncCalls(url, client), name))

    asyncio.run(all_of_them())


main(*sys.argv[1:])

"""The shortest script that prints a token and caches it for the next run: `python -m … URL CACHE_FILE`."""

from __future__ import annotations

import sys

import msal
from msal_extensions import FilePersistence, PersistedTokenCache


def main(url: str, cache: str) -> None:
    app = msal.ConfidentialClientApplication(
        "6731de76-14a6-49ae-97bc-6eba6914391e",
        client_credential="not-a-secret",
        authority=f"{url}/00000000-0000-4000-8000-000000000000",
        instance_discovery=False,
        token_cache=PersistedTokenCache(FilePersistence(cache)),
    )
    sys.stdout.write(app.acquire_token_for_client(["https://graph.microsoft.com/.default"])["access_token"])


main(*sys.argv[1:])

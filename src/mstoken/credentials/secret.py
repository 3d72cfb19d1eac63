"""A client secret: the simplest way for an application to authenticate."""

from __future__ import annotations

from mstoken.credentials.base import BaseCredential, application_partition, no_account
from mstoken.errors import UsageError
from mstoken.values import field, value


@value
class ClientSecret(BaseCredential):
    """An application's secret. Alone it gets app-only tokens (client credentials, RFC 6749 section 4.4)."""

    secret: str = field(secret=True)

    interactive = False
    acts_for_user = False
    can_bind_key = True
    needs_client_id = True
    serves_user_flows = True
    cache_partition = application_partition
    account_name = no_account

    def __post_init__(self) -> None:
        if not self.secret:
            raise UsageError("The client secret is empty.", "Set AZURE_CLIENT_SECRET, or give ClientSecret a value.")

"""The ways to construct a client: from settings, environment, profile, managed identity, or the default chain."""

from __future__ import annotations

from mstoken import clouds, credentials
from mstoken.authority import Authority
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self

    from mstoken.clouds import Cloud
    from mstoken.config.settings import Settings
    from mstoken.credentials import Credential
    from mstoken.flows.store_port import Stores


class Constructors:
    """Class methods of both clients that construct a client."""

    cloud: Cloud
    profile: str

    def __init__(
        self,
        tenant: str,
        client_id: str,
        credential: Credential,
        authority: Authority | Cloud | str = "",
        stores: Stores | None = None,
        transport: Any = None,
    ) -> None:
        raise NotImplementedError

    @classmethod
    def from_settings(cls, settings: Settings, stores: Stores | None = None, transport: Any = None) -> Self:
        """Return a client from resolved settings (`mstoken.config`)."""
        authority: Authority | Cloud | str = settings.authority or settings.cloud
        if settings.token_endpoint:
            authority = Authority.oauth(settings.token_endpoint)
        client = cls(settings.tenant, settings.client_id, settings.credential, authority, stores, transport)
        client.profile = settings.profile
        if settings.cloud:  # a custom authority, such as an emulator, may stand for any cloud
            client.cloud = clouds.cloud(settings.cloud)
        return client

    @classmethod
    def from_env(cls) -> Self:
        """Return a client from AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_AUTHORITY_HOST, ….

        docs/configuration.md lists the variables. Raises NotConfigured, which names what is missing.
        """
        from mstoken.config.resolving import settings_from_environment

        return cls.from_settings(settings_from_environment())

    @classmethod
    def from_profile(cls, name: str = "") -> Self:
        """Return a client from a profile of the user's configuration file and the environment (docs/configuration.md).

        A sign-in stored by `mstoken login` is read from, and renewed in, the user's vault. Raises UsageError.
        """
        from mstoken.config.resolving import resolve_settings
        from mstoken.stores.user_stores import user_stores

        settings = resolve_settings({"profile": name})
        return cls.from_settings(settings, user_stores(settings.store))

    @classmethod
    def managed_identity(
        cls,
        *,
        client_id: str = "",
        object_id: str = "",
        resource_id: str = "",
        source: str = "",
        cloud: str = "",
    ) -> Self:
        """Return a client of this platform's managed identity. `ManagedIdentity` explains the fields.

        It needs no tenant and no client id. Raises UsageError.
        """
        return cls("", "", credentials.ManagedIdentity(client_id, object_id, resource_id, source), cloud)

    @classmethod
    def default(cls) -> Self:
        """Return a client of the first available identity: environment, workload identity, managed identity, profile.

        AZURE_TOKEN_CREDENTIALS narrows the choice (docs/identity-chain.md). A profile's sign-in is read from, and
        renewed in, the user's vault. Raises UsageError; NotConfigured if a token is requested and no identity is
        available.
        """
        from mstoken.config.chain import default_settings
        from mstoken.stores.user_stores import user_stores

        settings = default_settings()
        return cls.from_settings(settings, user_stores(settings.store))


def cloud_of(authority: Authority | Cloud | str) -> Cloud:
    """Return the cloud of an authority; the public cloud for a custom host."""
    if isinstance(authority, clouds.Cloud):
        return authority
    if isinstance(authority, Authority):
        return clouds.cloud_of_authority(authority.origin) or clouds.PUBLIC
    if not authority:
        return clouds.PUBLIC
    if _is_host(authority):
        return clouds.cloud_of_authority(authority) or clouds.PUBLIC
    return clouds.cloud(authority)


def authority_of(authority: Authority | Cloud | str, cloud: Cloud, tenant: str, *, tenant_unknown: bool) -> Authority:
    if isinstance(authority, Authority):
        return authority.for_tenant(tenant) if tenant else authority
    host = authority if isinstance(authority, str) and _is_host(authority) else cloud.authority_host
    return Authority.without_tenant(host) if tenant_unknown and not tenant else Authority.of(host, tenant)


def _is_host(text: str) -> bool:
    """Return whether the text is a host or URL: those contain a dot or a colon, cloud names contain neither."""
    return "." in text or ":" in text or text == "localhost"

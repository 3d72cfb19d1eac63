"""A backend of the package keyring, for Azure Artifacts: pip, uv, twine and others ask it for a feed's password.

The entry point `keyring.backends` in pyproject.toml makes keyring find it. It stores nothing and answers only for the
hosts of feeds; keyring asks its other backends for everything else. A user's token is exchanged for a session token of
the organization, an application's is the password itself. Sources: keyring's backend.KeyringBackend;
learn.microsoft.com/azure/devops/artifacts/python; artifacts-credprovider.
"""

from __future__ import annotations

import re
from functools import cache

from mstoken.errors import MstokenError, NotConfigured, UsageError
from mstoken.hidden import HiddenText
from mstoken.messages import ShellAdvice
from mstoken.services.strict_url import parse_url
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

    from mstoken.integrations._tool_client import ToolClient
    from mstoken.model import Token

USERNAME = "VssSessionToken"
"""The user name for tools that have none; Azure Artifacts accepts any."""
_SERVICE = "artifacts"
_HOSTS = ("pkgs.dev.azure.com", "pkgs.visualstudio.com", "pkgs.codedev.ms", "pkgs.vsts.me")


@cache
def register() -> type[KeyringBackend]:
    """Return the backend class, and with that register it: keyring's metaclass does so. The entry point calls this."""
    from keyring.backend import KeyringBackend
    from keyring.credentials import SimpleCredential

    class AzureArtifacts(KeyringBackend):
        """Answers for feeds with a token of the default identity: environment, profile, `az login`, and so on."""

        priority = 9.9  # a class attribute in place of keyring's class property
        """Before the operating system's keyring, so that the chain of keyring asks this backend first."""

        def get_password(self, service: str, username: str) -> str | None:
            """Return the password for `keyring get URL USER`; None if `credential_for` has none."""
            found = credential_for(service, username)
            return found[1] if found else None

        def get_credential(self, service: str, username: str | None) -> SimpleCredential | None:
            """Return user name and password; None if `credential_for` has none."""
            found = credential_for(service, username)
            return SimpleCredential(*found) if found else None

        def set_password(self, service: str, username: str, password: str) -> None:
            """Raise NotImplementedError, upon which keyring's chain asks the next backend."""
            raise NotImplementedError

        def delete_password(self, service: str, username: str) -> None:
            """Raise NotImplementedError, as `set_password`."""
            raise NotImplementedError

    return AzureArtifacts


def credential_for(service: str, username: str | None) -> tuple[str, HiddenText] | None:
    """Return user name and password for a feed's URL or host; None for what is not a feed, or without an identity.

    Raises nothing: pip would not ask again for other feeds. If a person must sign in, standard error says so.
    """
    url = feed_url(service)
    if not url:
        return None
    try:
        with ShellAdvice():
            return username or USERNAME, HiddenText(_password(url))
    except NotConfigured:
        return None
    except MstokenError as error:
        _report(error)
        return None


def feed_url(service: str) -> str:
    """Return the https URL of a feed, without a user name; '' if `service` is not one. It may be a bare host."""
    whole = service if "://" in service else f"https://{service}"
    try:
        url = parse_url(re.sub("(?<=://)[^/?#@]*@", "", whole, count=1))
    except UsageError:
        return ""
    ours = any(url.host == name or url.host.endswith(f".{name}") for name in _HOSTS)
    return url.identifier if ours and url.scheme == "https" and not url.port else ""


def _password(url: str) -> str:
    """Return the session token of a user, or the token of an application. Raises MstokenError."""
    from mstoken.config.chain import default_settings
    from mstoken.integrations._tool_client import ToolClient
    from mstoken.stores.user_stores import user_stores

    settings = default_settings()
    with ToolClient(settings, user_stores(settings.store)) as tool:
        organization = tool.find_organization(url, "GET")
        token = tool.get_token(_SERVICE, organization.tenant)
        if organization.token_endpoint and _is_of_user(token):
            return _exchanged(tool, token, organization.tenant, organization.token_endpoint).token
        return token.token


def _exchanged(tool: ToolClient, token: Token, tenant: str, endpoint: str) -> Token:
    """Return the session token; the token itself, which feeds accept too, if the server issues none."""
    from mstoken.protocol.cache_key import token_info
    from mstoken.rest.devops import session_token

    info = token_info(tool.token_request(_SERVICE, tenant))
    return session_token(token, endpoint, tool.send, tool.stores.access_tokens, info) or token


def _is_of_user(token: Token) -> bool:
    """Return whether a token has delegated permissions (learn.microsoft.com/entra/identity-platform: claim scp)."""
    from mstoken.protocol.jwt import readable

    decoded = readable(token.token)
    return decoded is not None and "scp" in decoded.claims


def _report(error: MstokenError) -> None:
    from mstoken.messages import show

    show(f"mstoken: error: {error.message}")
    for line in error.remedy.splitlines():
        show(f"  next: {line}")

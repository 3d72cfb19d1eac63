"""The environment variables that provide settings. docs/configuration.md lists them all."""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.hidden import HiddenDict, HiddenText
from mstoken.texts import is_encodable
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

# The names with AZURE_ are those of the Azure SDKs: learn.microsoft.com/python/api/azure-identity/
# azure.identity.environmentcredential
VARIABLES = {
    "tenant": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "client_secret": "AZURE_CLIENT_SECRET",
    "client_certificate": "AZURE_CLIENT_CERTIFICATE_PATH",
    "client_certificate_password": "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "send_certificate_chain": "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    "refresh_token": "MSTOKEN_REFRESH_TOKEN",
    "username": "AZURE_USERNAME",
    "password": "AZURE_PASSWORD",
    "user_assertion": "MSTOKEN_USER_ASSERTION",
    "authority": "AZURE_AUTHORITY_HOST",
    "cloud": "MSTOKEN_CLOUD",
    "store": "MSTOKEN_STORE",
    "profile": "MSTOKEN_PROFILE",
}
"""Setting -> variable."""

SECRETS = ("client_secret", "client_certificate_password", "refresh_token", "password", "user_assertion")

_BYTE_FOR_BYTE = ("client_secret", "client_certificate_password", "password")
"""Settings that are sent unchanged, as the Azure SDKs do. Others lose surrounding blanks and line breaks."""

CREDENTIALS = ("client_secret", "client_certificate", "client_assertion", "client_key", "refresh_token", "password")
"""Settings that complete an identity; one is enough. Not all have a variable."""

_NEEDED = (("tenant",), ("client_id",), CREDENTIALS)


def read_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings from the environment. An empty variable counts as not set, as in CI systems.

    The tenant may be the one that the authority names. Raises UsageError for a variable that is not valid text, which
    could not be sent, and for an authority that is not one.
    """
    values = HiddenDict()
    for setting, variable in VARIABLES.items():
        written = HiddenText(environ.get(variable, ""))
        if not is_encodable(written):
            raise UsageError(f"{variable} is not UTF-8 text.", f"Set {variable} again.")
        if written.strip():
            values[setting] = written if setting in _BYTE_FOR_BYTE else written.strip()
    return with_tenant(values)


def with_tenant(values: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a layer with the tenant that its authority names, if it has no other.

    Such an authority is the host of an External ID tenant or a user flow of Azure AD B2C. Raises UsageError.
    """
    named = HiddenDict(values)
    if "tenant" not in values and (authority := values.get("authority", "")):
        from mstoken.authority import tenant_in

        if tenant := tenant_in(authority):
            named["tenant"] = tenant
    return named


def missing(values: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Return what a complete identity still lacks besides the settings `values`: one of each returned group."""
    return tuple(one_of for one_of in _NEEDED if not any(name in values for name in one_of))


def incomplete(lacking: tuple[tuple[str, ...], ...], environ: Mapping[str, str]) -> str:
    """Return the sentence about the one group of settings that is missing while the others are set."""
    (one_of,) = lacking
    first = VARIABLES[one_of[0]]
    others = [VARIABLES[group[0]] for group in _NEEDED if group not in (one_of, CREDENTIALS)]
    state = "is set, but empty" if first in environ else "is not set"
    if one_of == CREDENTIALS:
        return f"{first} {state}; {' and '.join(others)} are."
    return f"{first} {state}; {' and '.join(others)} and a credential are."


def names(settings: Iterable[str], environ: Mapping[str, str]) -> str:
    """Return the variables' names for a message. It marks those that are set but empty, which are easily overlooked."""
    shown = (VARIABLES[setting] for setting in settings if setting in VARIABLES)
    return " or ".join(f"{name} (set, but empty)" if name in environ else name for name in shown)

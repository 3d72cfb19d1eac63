"""Personal Microsoft accounts: where they may go, and what is said to them in other words than to work accounts.

Sources: learn.microsoft.com/entra/identity-platform/v2-supported-account-types and .../reference-error-codes; that
their refusals are 70000 and 70002 is as users of personal accounts report it. What a work account's refresh token is
told at /consumers, and theirs at /organizations, is in neither; 50020 is our reading.
"""

from entra_emulator.aadsts import EntraError
from entra_emulator.ids import PERSONAL
from entra_emulator.model import App, Tenant
from entra_emulator.resources import Resource

_CONSUMERS = ("consumers", PERSONAL)
_WORK_ONLY = "You cannot sign in here with a personal account. Use your work or school account."
_PERSONAL_ONLY = "You cannot sign in here with a work or school account. Use your personal account."
_EXPIRED = frozenset({50173, 700082})
_NO_CONSENT = 65001


def wrong_account_kind(app: App, home: Tenant, endpoint: str, resource: Resource | None) -> str:
    """What the sign-in page says to somebody whose kind of account is not for this, '' if it is.

    :param endpoint: the tenant segment of the URL.
    """
    endpoint = endpoint.lower()
    if not home.personal:
        return _PERSONAL_ONLY if endpoint in _CONSUMERS else ""
    admitted = app.personal and resource is not None and resource.personal
    if endpoint == "organizations" or (endpoint == "common" and not admitted):
        return _WORK_ONLY
    return ""


def check_kind(app: App, home: Tenant, tenant: Tenant, endpoint: str) -> None:
    """Whether a personal account may have a token of its own tenant through an application.

    :raises EntraError: 50020 at /organizations, 9002332 an application that is for organizations only.
    """
    if not (home.personal and tenant.personal):
        return
    if endpoint.lower() == "organizations":
        raise EntraError(50020, issuer="live.com", tenant=endpoint, app=app.id, app_name=app.name)
    if not app.personal:
        raise EntraError(9002332, app=app.id, app_name=app.name)


def check_grant(tenant: Tenant | None, endpoint: str) -> None:
    """Grants without a person's page are for organizations, by name or at /organizations.

    :raises EntraError: 9001023.
    """
    if (tenant and tenant.personal) or endpoint.lower() == "common":
        raise EntraError(9001023)


def in_its_words(problem: EntraError) -> EntraError:
    """A refusal to refresh as a personal account hears it."""
    if problem.code in _EXPIRED:
        reason = "The user could not be authenticated as the grant is expired, and has to sign in again."
        return EntraError(70000, suberror="bad_token", reason=reason)
    if problem.code == _NO_CONSENT:
        reason = "Scopes that were requested are unauthorized or expired. The user has to sign in and grant them first."
        return EntraError(70000, reason=reason)
    return problem

"""Personal Microsoft accounts: the endpoints that they may use, and their own error codes.

Sources: learn.microsoft.com/entra/identity-platform/v2-supported-account-types and .../reference-error-codes; users of
personal accounts report the codes 70000 and 70002. The code for a work account's refresh token at /consumers, and for a
personal account's at /organizations, is not documented; 50020 is an assumption.
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
    """Return the sign-in page's message about a kind of account that cannot be used here; '' if it can.

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
    """Check that a personal account may get a token of its own tenant through an application.

    :raises EntraError: 50020 at /organizations, 9002332 an application for organizations only.
    """
    if not (home.personal and tenant.personal):
        return
    if endpoint.lower() == "organizations":
        raise EntraError(50020, issuer="live.com", tenant=endpoint, app=app.id, app_name=app.name)
    if not app.personal:
        raise EntraError(9002332, app=app.id, app_name=app.name)


def check_grant(tenant: Tenant | None, endpoint: str) -> None:
    """Check the tenant of a grant without a page: an organization, by name or at /organizations.

    :raises EntraError: 9001023.
    """
    if (tenant and tenant.personal) or endpoint.lower() == "common":
        raise EntraError(9001023)


def consumer_error(problem: EntraError) -> EntraError:
    """Return the refusal of a refresh in the form that personal accounts get."""
    if problem.code in _EXPIRED:
        reason = "The user could not be authenticated as the grant is expired, and has to sign in again."
        return EntraError(70000, suberror="bad_token", reason=reason)
    if problem.code == _NO_CONSENT:
        reason = "Scopes that were requested are unauthorized or expired. The user has to sign in and grant them first."
        return EntraError(70000, reason=reason)
    return problem

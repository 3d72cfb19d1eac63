"""The state of a user's account.

Source: learn.microsoft.com/entra/identity-platform/reference-error-codes; for smart lockout (ten wrong passwords,
one minute) learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout
"""

import hmac

from entra_emulator.aadsts import EntraError
from entra_emulator.model import Tenant, User

LOCK_AFTER, LOCK_IN = 10, 60.0
_AGENT_FAILURES = {"unavailable": 80001, "timeout": 80002, "error": 80005, "failing": 80007}


def check_member(member: User, home: Tenant, tenant: Tenant) -> None:
    """Check that a member or guest may be used in the tenant.

    :raises EntraError: 50057 or, for a guest, 500571 disabled; 50014 invitation not accepted; 50015 no age consent.
    """
    if not member.enabled:
        raise EntraError(50057 if home.id == tenant.id else 500571)
    if member.pending:
        raise EntraError(50014)
    if member.needs_age_consent:
        raise EntraError(50015)


def check_password(home: Tenant, user: User, password: str, now: float) -> None:
    """Check that a password is the user's and has not expired. Wrong passwords are counted, as in smart lockout.

    :raises EntraError: 50053 locked, 80001 80002 80005 80007 failure of the on-premises agent, 50056 no password, 50126
        wrong, 50057 disabled, 50055 or, for passwords checked on premises, 50144 expired.
    """
    if user.locked_until > now:
        raise EntraError(50053)
    if failure := _AGENT_FAILURES.get(home.password_agent):
        raise EntraError(failure)
    if not user.password:
        raise EntraError(50056)
    if not hmac.compare_digest(user.password.encode(), password.encode()):
        user.failed_sign_ins += 1
        if user.failed_sign_ins >= LOCK_AFTER:
            user.failed_sign_ins, user.locked_until = 0, now + LOCK_IN
        raise EntraError(50126)
    user.failed_sign_ins = 0
    if not user.enabled:
        raise EntraError(50057)
    if user.password_expired:
        raise EntraError(50144 if home.password_agent else 50055)

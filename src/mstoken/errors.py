"""Every error mstoken raises on purpose, in one tree.

    MstokenError
    ├── UsageError               the call itself is wrong: unknown service, missing tenant, bad profile
    │   └── NotConfigured        no credential was found anywhere
    ├── TokenRefused             the token service said no (RFC 6749 section 5.2)
    │   ├── SignInRequired       a person must sign in: MFA, revoked or expired grant, claims challenge
    │   ├── CredentialRejected   the application's own secret, certificate or assertion was not accepted
    │   ├── ConsentRequired      an administrator or user has not consented to what was asked
    │   ├── AccessBlocked        a policy or an account's state forbids it: Conditional Access, disabled, locked
    │   ├── Misconfigured        wrong tenant, application, resource or scope
    │   └── AuthorizationPending the person has not finished signing in yet (RFC 8628 section 3.5)
    ├── TryLater                 nothing is wrong with the request; try again
    │   ├── Throttled            429; `retry_in` says when
    │   ├── ServiceUnavailable   5xx or temporarily_unavailable
    │   └── TransportError       no HTTP answer: DNS, connection, TLS, proxy, time-out
    │       └── UntrustedCertificate   the server's certificate was not accepted; asking again gives the same
    ├── ApiRefused               an API answered with 4xx (`ApiResponse.raise_for_status`)
    ├── UnreadableAnswer         an answer that is no answer: HTML, cut off, huge, not JSON, missing fields
    ├── UntrustedOrigin          a token or a secret would have gone to a place it is not for
    └── StoreError               the cache or the vault cannot be read or written

Every error has `remedy`: what to do next, with the exact command where there is one. No error carries a secret.
"""

from __future__ import annotations

from mstoken.messages import printable
from mstoken.redaction import redacted
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping


class MstokenError(Exception):
    """Base of everything raised on purpose.

    `message` says what happened in our words, `service_message` what the service said in its own, `remedy` what to do
    next; the last two may be empty. `str()` gives them in this order, each on its own line. None of them has control
    characters, whoever wrote the words that they quote. `request_id` is the `client-request-id` of the request that
    failed, '' if none was sent.
    """

    request_id = ""

    message = remedy = ""  # until the constructor has run: a traceback may show an error that is half made

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message, self.remedy = printable(redacted(message)), printable(redacted(remedy))
        super().__init__(self.message, self.remedy)

    @property
    def service_message(self) -> str:
        """The service's own sentence, in one line, without control characters and without the secrets we sent.

        Empty where no service answered, and where `message` already quotes it.
        """
        return ""

    @property
    def unnamed_id(self) -> str:
        """The `request_id`, unless `message` contains it: Entra answers with the same id, as the correlation ID."""
        return "" if self.request_id in self.message else self.request_id

    def __str__(self) -> str:
        service = f"Service: {self.service_message}" if self.service_message else ""
        request = f"client-request-id: {self.unnamed_id}" if self.unnamed_id else ""
        return "\n".join(line for line in (self.message, service, request, self.remedy) if line)


class Identified:
    """A context manager that gives the errors raised inside it the `request_id` of the request."""

    __slots__ = ("_request_id",)

    def __init__(self, request_id: str) -> None:
        self._request_id = request_id

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, MstokenError) and not isinstance(error, UsageError):  # those come before a request
            error.request_id = error.request_id or self._request_id


class UsageError(MstokenError):
    """The call itself is wrong; no request was made."""


class NotConfigured(UsageError):
    """No credential, tenant or client was found; the message says where was looked."""


@value
class Refusal:
    """The fields of an error answer of the token endpoint (RFC 6749 section 5.2, with Entra's additions).

    `codes` are AADSTS numbers, most specific first. `timestamp` is Entra's own text, in UTC.
    """

    error: str = ""
    description: str = ""
    codes: tuple[int, ...] = ()
    suberror: str = ""
    claims: str = ""
    trace_id: str = ""
    correlation_id: str = ""
    timestamp: str = ""
    status: int = 0


def _unless_quoted(description: str, message: str) -> str:
    """The service's description; '' where the message contains it, with or without its code."""
    sentence = description.partition(": ")[2] or description
    return "" if sentence in message else description


class TokenRefused(MstokenError):
    """The token service answered with an error. `refusal` holds its fields; `codes`, `claims`… are shortcuts."""

    refusal = Refusal()

    def __init__(self, message: str, remedy: str = "", refusal: Refusal | None = None) -> None:
        super().__init__(message, remedy)
        self.refusal = refusal or Refusal()
        self.args = (self.message, self.remedy, self.refusal)  # so that copies and pickles keep it

    @property
    def service_message(self) -> str:
        return _unless_quoted(self.refusal.description, self.message)

    @property
    def error(self) -> str:
        """The RFC 6749 error name, such as `invalid_grant`."""
        return self.refusal.error

    @property
    def codes(self) -> tuple[int, ...]:
        """AADSTS numbers, most specific first; empty for servers that are not Entra."""
        return self.refusal.codes

    @property
    def suberror(self) -> str:
        """Entra's finer word, such as `consent_required` or `bad_token`; empty when it gave none."""
        return self.refusal.suberror

    @property
    def claims(self) -> str:
        """The claims challenge as JSON text to send with the next sign-in; empty when there is none."""
        return self.refusal.claims

    @property
    def trace_id(self) -> str:
        """Entra's trace id, for a support request."""
        return self.refusal.trace_id

    @property
    def correlation_id(self) -> str:
        """Entra's correlation id, for the sign-in log."""
        return self.refusal.correlation_id


class SignInRequired(TokenRefused):
    """A person must sign in (again)."""


class CredentialRejected(TokenRefused):
    """The application's secret, certificate or assertion was not accepted."""


class ConsentRequired(TokenRefused):
    """Consent for the application or the scope is missing."""


class AccessBlocked(TokenRefused):
    """A policy, or the state of the account, application or tenant, forbids the token."""


class Misconfigured(TokenRefused):
    """Tenant, application, resource, scope or request do not fit each other."""


class AuthorizationPending(TokenRefused):
    """The person has not finished signing in; poll again (RFC 8628 section 3.5)."""


class TryLater(MstokenError):
    """Nothing is wrong with the request; the same call may work later.

    `retry_in` is what the service asked to wait, in seconds; None when it did not say.
    """

    retry_in: float | None = None
    refusal = Refusal()

    def __init__(
        self, message: str, remedy: str = "", retry_in: float | None = None, refusal: Refusal | None = None
    ) -> None:
        super().__init__(message, remedy)
        self.retry_in = retry_in
        self.refusal = refusal or Refusal()
        self.args = (self.message, self.remedy, retry_in, self.refusal)

    @property
    def service_message(self) -> str:
        return _unless_quoted(self.refusal.description, self.message)


class Throttled(TryLater):
    """The service asked to slow down (429)."""


class ServiceUnavailable(TryLater):
    """The service failed on its side (5xx, `temporarily_unavailable`, `server_error`)."""


class TransportError(TryLater):
    """No HTTP answer came: name resolution, connection, TLS, proxy or time-out."""


class UntrustedCertificate(TransportError):
    """The certificate that was shown is not one to trust; nothing was sent. Asking again gives the same."""


class ApiRefused(MstokenError):
    """An API refused the call. `status` is the HTTP status, `code` the API's own word for the error, '' without one.

    If a permission or a role is missing, `permission` has `needs`, what the call needs, and `token`, what the token
    carries (docs/why-403.md); else it is empty.
    """

    status = 0
    code = ""
    permission: Mapping[str, Any] = {}

    def __init__(
        self,
        message: str,
        remedy: str = "",
        status: int = 0,
        code: str = "",
        permission: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, remedy)
        self.status, self.code, self.permission = status, printable(redacted(code)), permission or {}
        self.args = (self.message, self.remedy, self.status, self.code, self.permission)


class UnreadableAnswer(MstokenError):
    """The answer was no answer: HTML of a proxy, cut off, too large, not JSON, fields missing or of the wrong kind."""


class UntrustedOrigin(MstokenError):
    """A token or a secret would have gone to an origin it is not for; nothing was sent."""


class StoreError(MstokenError):
    """The cache or the vault could not be read or written; nothing in it was overwritten."""

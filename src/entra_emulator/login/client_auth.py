"""Client authentication: find the application of client_id and check its credential (RFC 6749 section 2.3)."""

import base64
import binascii
import hmac
from urllib.parse import unquote_plus, urlsplit

from entra_emulator.aadsts import EntraError
from entra_emulator.model import App, Tenant
from entra_emulator.policy.application import check_endpoint
from entra_emulator.state import as_guid

from .client_assertion import TYPE, Assertion, check_signed
from .exchange import Client, Exchange
from .federation import check_federated

_NO_ID = "00000000-0000-0000-0000-000000000000"


def authenticate(exchange: Exchange, tenant: Tenant | None, *, needs_proof: bool, page: bool = False) -> Client:
    """Return the client of a token request, from the form (client_secret_post) or a header (client_secret_basic).

    :param needs_proof: the grant is for confidential clients only, so a public client needs a credential too.
    :param page: a web page redeems its code or token, without a credential, even if the application has one.
    :raises EntraError: the application does not exist in this tenant or is disabled, or its credential is missing,
        wrong or expired.
    """
    header_id, header_secret = _basic(exchange.authorization)
    client_id = header_id or exchange.required("client_id")
    secret = header_secret or exchange.form.get("client_secret", "")
    if header_id and exchange.form.get("client_id", header_id) != header_id:
        raise EntraError(7000110)
    app = find_app(exchange, client_id, tenant)
    assertion = exchange.form.get("client_assertion", "")
    if (app.public or page) and not needs_proof:
        if secret or assertion:
            raise EntraError(700025)
        return Client(app, "0")
    if assertion:
        _check_assertion(exchange, app, tenant, assertion)
        return Client(app, "2")
    if not secret and tenant and tenant.personal:
        raise EntraError(70002)
    if not secret:
        raise EntraError(7000216 if exchange.form.get("grant_type") == "client_credentials" else 7000218)
    _check_secret(app, secret, exchange.world.clock.now())
    return Client(app, "1")


def _basic(header: str) -> tuple[str, str]:
    """Return id and secret of a Basic header. Both are form-encoded before they are joined (RFC 6749 section 2.3.1)."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def find_app(exchange: Exchange, client_id: str, tenant: Tenant | None) -> App:
    """Return the application. A single-tenant application exists only in its home tenant, others in every tenant.

    :raises EntraError: 700038 700016 unknown in this tenant, 7000112 disabled, and the codes of `check_endpoint`.
    """
    if client_id == _NO_ID:
        raise EntraError(700038, app=client_id)
    guid = as_guid(client_id.lower())
    app = exchange.world.state.app(guid) if guid else None
    tenant_name = tenant.name if tenant else exchange.tenant_name
    if app is None:
        raise EntraError(700016, app=client_id, tenant=tenant_name)
    check_endpoint(app, tenant, exchange.tenant_name)
    if tenant and app.audience == "single" and app.tenant != tenant.id:
        raise EntraError(700016, app=client_id, tenant=tenant_name)
    if not _enabled(app, tenant):
        raise EntraError(7000112, app=app.id, app_name=app.name)
    return app


def _enabled(app: App, tenant: Tenant | None) -> bool:
    principal = tenant.principal(app.id) if tenant else None
    return app.enabled and (principal is None or principal.enabled)


def _check_secret(app: App, secret: str, now: float) -> None:
    matching = [
        candidate for candidate in app.secrets if hmac.compare_digest(candidate.value.encode(), secret.encode())
    ]
    if not matching:
        raise EntraError(7000215, app=app.id)
    if all(match.expires_on is not None and match.expires_on <= now for match in matching):
        raise EntraError(7000222, app=app.id)


def _check_assertion(exchange: Exchange, app: App, tenant: Tenant | None, text: str) -> None:
    """Check an assertion signed with the application's own key or, if `iss` is a URL, by an issuer that it trusts."""
    if exchange.required("client_assertion_type") != TYPE:
        raise EntraError(50027)
    assertion = Assertion.parse(text)
    if urlsplit(str(assertion.claims.get("iss", ""))).scheme:
        check_federated(exchange, app, assertion)
    else:
        check_signed(exchange, app, tenant, assertion)

"""Workload identity federation: an application authenticates with a token of an issuer that it trusts.

Source: learn.microsoft.com/entra/workload-id/workload-identity-federation. Keys are fetched over HTTPS, or over HTTP on
loopback, and only from issuers that the application names.
"""

import asyncio
import contextlib
import json
import ssl
import urllib.request
import uuid
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from entra_emulator.aadsts import EntraError
from entra_emulator.clouds import public
from entra_emulator.ids import base64url
from entra_emulator.model import App, FederatedCredential, Tenant
from entra_emulator.network.certificates import shared_authority
from entra_emulator.state import as_guid
from entra_emulator.tokens.jwts import unverified_claims
from entra_emulator.tokens.keys import BadSignature

from .client_assertion import Assertion
from .exchange import Exchange

TOKEN_EXCHANGE = "fb60f99c-7a34-4190-8149-302f77469936"
FMI_PREFIX = "/eid1/c/pub"
ALGORITHM = "RS256"
"""What Entra supports: learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations"""
LONGEST_LIFE_IN = 25 * 3600
"""Seconds from iat to exp (1.01:00:00): github.com/MicrosoftDocs/azure-docs/issues/86916"""
MOST_KEYS = 100
"""Entra stores only the first keys of an issuer: the page of considerations."""
_ANSWER_IN = 5.0
_LARGEST = 262_144


def fmi_subject(tenant: str, app: str, path: str) -> str:
    """Return `sub` of a token for one of an application's federated identities (fmi_path)."""
    encoded = [base64url(uuid.UUID(identifier).bytes_le) for identifier in (tenant, app)]
    return f"{FMI_PREFIX}/t/{encoded[0]}/a/{encoded[1]}/{path}"


async def fetch_issuer_keys(exchange: Exchange) -> None:
    """Get the keys of an assertion's issuer before the request is handled, because this takes time."""
    assertion = exchange.form.get("client_assertion")
    if not assertion:
        return
    guid = as_guid(exchange.form.get("client_id", "").lower())
    app = exchange.world.state.app(guid) if guid else None
    claims = unverified_claims(assertion)
    issuer = str(claims.get("iss", "")) if claims else ""
    if app and any(credential.issuer == issuer for credential in app.federated) and not own_tenant(exchange, issuer):
        exchange.issuer_keys = await asyncio.to_thread(_published, issuer)


def check_federated(exchange: Exchange, app: App, assertion: Assertion) -> None:
    """Accept a valid assertion whose issuer, audience and subject match a federated credential.

    :raises EntraError: 700211, 700212, 700213 no match; 501661, 7000272 keys; 700222 a token of this emulator that
        cannot be used for federation; 700024 time; 70023 a lifetime that is too long; 50027 another algorithm.
    """
    if assertion.header.get("alg") != ALGORITHM:
        raise EntraError(50027)
    issuer = str(assertion.claims.get("iss", ""))
    tenant = own_tenant(exchange, issuer)
    trusted = app.federated
    if app.blueprint and tenant:
        subject = fmi_subject(tenant.id, app.blueprint, app.id)
        trusted = [*trusted, FederatedCredential(issuer, subject, [TOKEN_EXCHANGE])]
    of_issuer = [
        credential
        for credential in trusted
        if credential.issuer == issuer or (tenant and own_tenant(exchange, credential.issuer) is tenant)
    ]
    _match(of_issuer, assertion.claims)
    if tenant:
        _check_own(exchange, assertion)
    else:
        _check_signature(exchange, issuer, assertion)
    assertion.check_time(exchange.world.clock.now())
    assertion.check_life(LONGEST_LIFE_IN)


def own_tenant(exchange: Exchange, issuer: str) -> Tenant | None:
    """Return the tenant of this emulator whose issuer is `issuer`, by its own URL or that of the public cloud."""
    name = urlsplit(issuer).path.strip("/").partition("/")[0]
    tenant = exchange.world.state.tenants.get(name)
    if tenant is None:
        return None
    names = {exchange.site.issuer(name, 2), f"https://{public().login[0]}/{name}/v2.0"}
    return tenant if issuer in names else None


def _match(of_issuer: list[FederatedCredential], claims: dict[str, Any]) -> None:
    """Compare exactly, as Entra does. Entra's own tokens name the exchange by its application id."""
    if not of_issuer:
        raise EntraError(700211, value=_plain(claims.get("iss")))
    audience = claims.get("aud")
    audiences = set(audience) if isinstance(audience, list) else {audience}
    of_audience = [credential for credential in of_issuer if audiences & {*credential.audiences, TOKEN_EXCHANGE}]
    if not of_audience:
        raise EntraError(700212, value=_plain(audience))
    if not any(credential.subject == claims.get("sub") for credential in of_audience):
        raise EntraError(700213, value=_plain(claims.get("sub")))


def _check_own(exchange: Exchange, assertion: Assertion) -> None:
    """Check that a token of Entra's own is of a managed identity (xms_mirid) or a federated one (fmi_path)."""
    try:
        claims = exchange.world.keys.verify(assertion.text)
    except BadSignature:
        raise EntraError(7000272, kid=_plain(assertion.header.get("kid"))) from None
    if "xms_mirid" not in claims and not str(claims.get("sub", "")).startswith(FMI_PREFIX):
        raise EntraError(700222)


def _check_signature(exchange: Exchange, issuer: str, assertion: Assertion) -> None:
    if exchange.issuer_keys is None:
        raise EntraError(501661, issuer=_plain(issuer))
    kid = assertion.header.get("kid")
    candidates = [key for key in exchange.issuer_keys if kid is None or key.kid == kid]
    if not any(assertion.verified_by(key) for key in candidates):
        raise EntraError(7000272, kid=_plain(kid))


def _plain(value: object) -> str:
    return "".join(char for char in str(value)[:200] if char.isprintable())


def _published(issuer: str) -> list[RSAKey] | None:
    """Return the RSA keys that an issuer publishes by OpenID Connect Discovery 1.0; None if they are unavailable."""
    configuration = _get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if not configuration or configuration.get("issuer") != issuer:
        return None
    published = _get(str(configuration.get("jwks_uri", "")))
    if not published or not isinstance(published.get("keys"), list):
        return None
    keys = []
    for key in published["keys"][:MOST_KEYS]:
        with contextlib.suppress(JoseError, ValueError, TypeError, AttributeError):
            if key.get("kty") == "RSA":
                keys.append(RSAKey.import_key({name: key[name] for name in ("kty", "kid", "n", "e") if name in key}))
    return keys


def _get(url: str) -> dict[str, Any] | None:
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in (("http", "localhost"), ("http", "127.0.0.1")):
        return None
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=shared_authority().pem().decode())
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}) if parts.scheme == "http" else urllib.request.ProxyHandler(),
        urllib.request.HTTPSHandler(context=context),
    )
    try:
        with opener.open(url, timeout=_ANSWER_IN) as answer:
            found = json.loads(answer.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

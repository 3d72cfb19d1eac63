"""Summarize the claims of a JWT. Claims are untrusted input, so their types are checked."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from mstoken import clouds, services
from mstoken.cli.inspection.display_names import display_name
from mstoken.cli.inspection.token_names import client_id_of, stands_for, tenant_of, text_of, user_of
from mstoken.protocol.times import numeric_date
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from mstoken.protocol.jwt import Decoded

PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of all personal Microsoft accounts (Entra's access token claims reference, `iss`)."""

_MAX_TIME = 253_402_300_799  # the end of the year 9999, in epoch seconds: calendars end there
# The v1.0 issuer sts.windows.net is that of the public and of the US Government clouds, so it identifies neither.
_V1_ISSUERS = {"sts.windows.net": "", "sts.chinacloudapi.cn": "china"}


@value
class TokenSummary:
    """The summary of a JWT. Times are epoch seconds, UTC; '' and None mean that the token does not say.

    `stands_for` is `user`, `application`, `managed identity` or ''. `proof` says in words how the application proved
    its identity. `mfa` is None if the token lists no sign-in methods. `relations` to the tenant are in words, or
    numbers if their meaning is unknown. `subject_agent` and `actor_agent` say which kind of agent identity the token
    stands for and is used by; `blueprint` is the client id of its blueprint.
    """

    version: str
    audience: str
    service: str
    service_name: str
    issuer: str
    tenant: str
    cloud: str
    stands_for: str
    client_id: str
    client: str
    proof: str
    user: str
    user_name: str
    object_id: str
    identity_provider: str
    guest: bool
    issued_on: int | None
    not_before_on: int | None
    expires_on: int | None
    delegated: tuple[str, ...]
    application: tuple[str, ...]
    directory_roles: tuple[str, ...]
    methods: tuple[str, ...]
    mfa: bool | None
    cae: bool
    bound_to_key: bool
    relations: tuple[str, ...]
    subject_agent: str
    actor_agent: str
    blueprint: str


def summarize(decoded: Decoded) -> TokenSummary:
    """Read the claims: learn.microsoft.com/entra/identity-platform/access-token-claims-reference."""
    claims = decoded.claims
    audience, issuer = text_of(claims, "aud"), text_of(claims, "iss")
    service = services.service_of(audience) if audience else None
    client_id = client_id_of(decoded)
    subject = stands_for(decoded)
    scopes, roles = _strings(claims, "scp") or _strings(claims, "scope"), _strings(claims, "roles")
    own = scopes if subject == "application" else ()  # Entra's applications have roles and no scopes
    methods, idp = _strings(claims, "amr"), text_of(claims, "idp")
    return TokenSummary(
        version=text_of(claims, "ver"),
        audience=audience,
        service=service.title if service else "",
        service_name=service.name if service else "",
        issuer=issuer,
        tenant=tenant_of(decoded),
        cloud=_cloud(issuer, audience, service),
        stands_for=subject,
        client_id=client_id,
        client=text_of(claims, "app_displayname") or display_name("client", client_id),
        proof=display_name("proof", text_of(claims, "appidacr", "azpacr")),
        user=user_of(decoded),
        user_name=text_of(claims, "name") if subject == "user" else "",
        object_id=text_of(claims, "oid"),
        identity_provider=idp if idp.rstrip("/") != issuer.rstrip("/").removesuffix("/v2.0") else "",
        guest=text_of(claims, "acct") == "1",
        issued_on=parse_time(claims, "iat"),
        not_before_on=parse_time(claims, "nbf"),
        expires_on=parse_time(claims, "exp"),
        delegated=() if own else scopes,
        application=roles or own,
        directory_roles=tuple(display_name("role", role) or role for role in _strings(claims, "wids")),
        methods=methods,
        mfa="mfa" in methods or "ngcmfa" in methods if methods else None,
        cae="cp1" in {capability.lower() for capability in _strings(claims, "xms_cc")},
        bound_to_key=isinstance(claims.get("cnf"), dict),
        relations=tuple(display_name("relation", number) or number for number in _strings(claims, "xms_idrel")),
        subject_agent=_facet(claims, "xms_sub_fct"),
        actor_agent=_facet(claims, "xms_act_fct"),
        blueprint=text_of(claims, "xms_par_app_azp"),
    )


def _facet(claims: dict[str, Any], name: str) -> str:
    """Return which kind of agent identity the facets in the claim name; '' for none."""
    named = (display_name("facet", number) for number in _strings(claims, name))
    return next((text for text in named if text), "")


def _cloud(issuer: str, audience: str, service: services.Service | None) -> str:
    """Return the name of the issuer's cloud; if the issuer serves several clouds, that of the audience."""
    try:
        host = urlsplit(issuer).hostname or ""
    except ValueError:
        return ""
    if host in _V1_ISSUERS:
        ends = service.endpoints.values() if service else ()
        named = [end.cloud for end in ends if end.resource.rstrip("/").lower() == audience.rstrip("/").lower()]
        return _V1_ISSUERS[host] or (named[0] if named else "")
    found = clouds.cloud_of_authority(host)
    return found.name if found else ""


def _strings(claims: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of texts, or the words of a text separated by spaces or commas."""
    value = claims.get(name)
    if isinstance(value, str):
        return tuple(part for part in re.split(r"[\s,]+", value) if part)
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, str) and item)
    return ()


def parse_time(claims: dict[str, Any], name: str) -> int | None:
    """Return a NumericDate (RFC 7519 section 2) or another form of time; None for a time outside the calendar."""
    try:
        seconds = numeric_date(claims.get(name))
    except ValueError:
        return None
    return int(seconds) if 0 <= seconds <= _MAX_TIME else None

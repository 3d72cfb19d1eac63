"""Describe a token in lines of text, each with a label."""

from __future__ import annotations

from mstoken import clouds
from mstoken.cli.inspection.display_names import display_name
from mstoken.cli.inspection.summary import PERSONAL_TENANT, parse_time
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mstoken.cli.inspection.summary import TokenSummary

UNVERIFIED = "The signature was not verified: these are the token's own claims."

Line = tuple[str, str]


def describe(summary: TokenSummary, kind: str, now: float) -> list[Line]:
    """Return the description of a token at `now` (epoch seconds, UTC); `kind` is a name from `kinds.of_jwt`."""
    return [
        ("For", _audience(summary, kind)),
        ("Issued by", _issuer(summary)),
        *([("Cloud", clouds.cloud(summary.cloud).title)] if summary.cloud else []),
        *_stands_for(summary),
        *_application(summary),
        *_times(summary, now),
        *_allowed(summary, kind),
        *_signed_in(summary),
        *_capabilities(summary, kind),
    ]


def describe_identity(summary: TokenSummary, now: float) -> list[Line]:
    """Return who a token stands for, by which application, in which tenant, and what it allows, at `now`."""
    tenant = "personal Microsoft accounts" if summary.tenant == PERSONAL_TENANT else summary.tenant
    return [
        *_stands_for(summary),
        *([("Tenant", tenant)] if tenant else []),
        *_application(summary),
        *([("For", _audience(summary, "access token"))] if summary.audience else []),
        *_allowed(summary, "access token"),
        *[line for line in _times(summary, now) if line[0] in ("Valid until", "Expired")],
    ]


def describe_signed_request(claims: dict[str, Any]) -> list[Line]:
    """Return what a signed request covers and when it was signed: draft-ietf-oauth-signed-http-request-03 section 3."""
    method, host, path = (str(claims.get(name) or "") for name in ("m", "u", "p"))
    signed_on = parse_time(claims, "ts")
    return [
        ("For", f"{method} {host}{path}".strip() or "any request: no part of one is signed"),
        ("Signed", "unknown (no ts)" if signed_on is None else format_time(signed_on)),
    ]


def _audience(summary: TokenSummary, kind: str) -> str:
    if not summary.audience:
        return "unknown (no aud)"
    if kind == "ID token":
        return f"the application {_named(display_name('client', summary.audience), summary.audience)}"
    return _named(summary.service, summary.audience)


def _issuer(summary: TokenSummary) -> str:
    if not summary.issuer:
        return "unknown (no iss)"
    if not summary.tenant:
        return summary.issuer
    tenant = "personal Microsoft accounts" if summary.tenant == PERSONAL_TENANT else f"tenant {summary.tenant}"
    return f"{tenant} ({summary.issuer})"


def _stands_for(summary: TokenSummary) -> Iterator[Line]:
    if summary.stands_for == "user":
        user = _named(summary.user_name, summary.user) or "without a name"
        guest = ", a guest in this tenant" if summary.guest else ""
        home = f", signed in at {_provider(summary.identity_provider)}" if summary.identity_provider else ""
        yield "Identity", f"a user: {user}{guest}{home}"
    elif summary.stands_for:
        yield "Identity", f"the {summary.stands_for} itself, no user"
    else:
        yield "Identity", "unknown: a user or an application"
    if summary.object_id:
        yield "Object ID", summary.object_id
    if summary.relations:
        yield "Relation", f"to the tenant: {', '.join(summary.relations)}"
    yield from _agent(summary)


def _agent(summary: TokenSummary) -> Iterator[Line]:
    """Yield what the token says of an agent that it stands for, or that acts for its user."""
    said = [f"the identity is {summary.subject_agent}"] if summary.subject_agent else []
    if summary.actor_agent and summary.actor_agent != summary.subject_agent:
        said.append(f"{summary.actor_agent} acts with the token")
    if said:
        yield "Agent", "; ".join(said)
    if summary.blueprint:
        yield "Blueprint", summary.blueprint


def _provider(idp: str) -> str:
    return "a personal Microsoft account" if idp == "live.com" or PERSONAL_TENANT in idp else idp


def _application(summary: TokenSummary) -> Iterator[Line]:
    if summary.client_id:
        proof = f", {summary.proof}" if summary.proof else ""
        yield "Application", f"{_named(summary.client, summary.client_id)}{proof}"


def _times(summary: TokenSummary, now: float) -> Iterator[Line]:
    if summary.expires_on is None:
        yield "Expires", "unknown (no exp)"
    elif summary.expires_on <= now:
        yield "Expired", f"{format_time(summary.expires_on)}, {format_duration(now - summary.expires_on)} ago"
    else:
        yield "Valid until", f"{format_time(summary.expires_on)}, {format_duration(summary.expires_on - now)} left"
    if summary.not_before_on is not None and summary.not_before_on > now:
        wait = format_duration(summary.not_before_on - now)
        yield "Not before", f"{format_time(summary.not_before_on)}, in {wait}: not valid yet, or this clock is slow"
    if summary.issued_on is not None:
        yield "Issued", format_time(summary.issued_on)


def _allowed(summary: TokenSummary, kind: str) -> Iterator[Line]:
    if summary.delegated:
        subject = (
            "delegated, on behalf of the user, within the user's own rights: " if summary.stands_for == "user" else ""
        )
        yield "Allowed", f"{subject}{', '.join(summary.delegated)}"
    if summary.application:
        subject = "roles assigned to the user" if summary.stands_for == "user" else "as the application itself"
        yield "Allowed", f"{subject}: {', '.join(summary.application)}"
    if not summary.delegated and not summary.application and kind == "access token":
        yield (
            "Allowed",
            "the token contains no permissions; the API applies its own rules, such as Azure roles, or refuses",
        )
    if summary.directory_roles:
        yield "Directory", ", ".join(summary.directory_roles)


def _signed_in(summary: TokenSummary) -> Iterator[Line]:
    if summary.methods:
        methods = ", ".join(_named(display_name("method", method), method) for method in summary.methods)
        yield "Signed in", methods
        yield "MFA", "yes" if summary.mfa else "no"
    elif summary.stands_for == "user":
        yield "MFA", "unknown (no amr; v2.0 access tokens have none)"


def _capabilities(summary: TokenSummary, kind: str) -> Iterator[Line]:
    if summary.cae:
        yield "CAE", "yes: the client handles claims challenges, so the token may live long and be revoked early"
    elif kind == "access token" and summary.tenant:
        yield "CAE", "no"
    if summary.bound_to_key:
        yield "Bound", "to a key (cnf): unusable without that key"


def _named(name: str, identifier: str) -> str:
    """Return `name (identifier)`, or the one that is not empty."""
    return f"{name} ({identifier})" if name and identifier else name or identifier


def format_time(on: int) -> str:
    """Format a time (epoch seconds, UTC) in UTC, and in local time if that differs."""
    from datetime import UTC, datetime

    utc = datetime.fromtimestamp(on, UTC)
    text = f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    try:
        local = utc.astimezone()
    except (OverflowError, OSError, ValueError):  # the last hours of the year 9999, east of Greenwich
        return text
    return text if not local.utcoffset() else f"{text} ({local:%Y-%m-%d %H:%M:%S} local time)"


def format_duration(seconds: float) -> str:
    """Format a duration in its two largest units: `59 minutes`, `1 hour 20 minutes`."""
    rest = int(seconds)
    parts: list[str] = []
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, size)
        if count or (unit == "second" and not parts):
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    if len(parts) > 1 and parts[0].split()[1].startswith("minute"):
        return parts[0]
    return " ".join(parts[:2])

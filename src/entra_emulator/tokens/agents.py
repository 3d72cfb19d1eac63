"""The claims by which an API recognizes an agent identity.

Source: learn.microsoft.com/entra/agent-id/identity-platform/agent-token-claims. A facet of 11 is an agent identity, one
of 13 an agent's user; the others are those of its examples, in their order.
"""

from .principals import Principal

_ACTOR, _AGENT_AS_SUBJECT, _USER_AS_SUBJECT = "3 9 11", "9 3 11", "9 3 13"
_TENANT = "3 9"
_SERVICE_PRINCIPAL, _MEMBER, _GUEST, _DELEGATED_ADMINISTRATOR = "7 10", "1 10", "5 10", "11 10"


def agent_claims(principal: Principal) -> dict[str, str]:
    """Facets of tenant, actor and subject, the subject's relation to the tenant, and the agent's blueprint."""
    claims = {"xms_act_fct": _ACTOR, "xms_idrel": _relation(principal), "xms_par_app_azp": principal.app.blueprint}
    if principal.user is None:
        claims["xms_sub_fct"] = _AGENT_AS_SUBJECT
    elif principal.user.agent:
        claims["xms_sub_fct"] = _USER_AS_SUBJECT
    claims["xms_tnt_fct"] = _TENANT
    return claims


def _relation(principal: Principal) -> str:
    if principal.user is None:
        return _SERVICE_PRINCIPAL
    if not principal.foreign:
        return _MEMBER
    return _GUEST if principal.tenant.user(principal.object_id) else _DELEGATED_ADMINISTRATOR

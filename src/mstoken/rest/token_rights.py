"""What an access token entitles to, according to its claims, which are not verified."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

GDAP_USER, DAP_USER = "11", "31"
"""Values of `xms_idrel`: learn.microsoft.com/entra/agent-id/identity-platform/agent-token-claims."""

_AGENT, _AGENT_USER = "11", "13"  # facets in xms_act_fct (who acts) and xms_sub_fct (for whom): the same page


@value
class TokenRights:
    """Audience, owner and permissions of a token; '' for what it does not say.

    `user` means that it stands for a user: `permissions` are then its scopes, else its roles. `name` is that of the
    user or application. `relation` is GDAP_USER, DAP_USER or ''. `age_in` is in seconds, None if it is unknown.
    `agent` means that the application is an agent identity, `blueprint` is the client id of its blueprint, and
    `agent_user` means that the user is an agent's user account.
    """

    audience: str
    user: bool
    permissions: frozenset[str]
    tenant: str
    client_id: str
    name: str
    object_id: str
    relation: str
    age_in: float | None
    agent: bool
    agent_user: bool
    blueprint: str

    def sentence(self) -> str:
        """Return one sentence with everything but the object id."""
        application = "agent identity" if self.agent else "application"
        kind = ("agent user" if self.agent_user else "user") if self.user else application
        owner = f"{kind} {self.name or self.client_id or 'without a name'}"
        through = f" through {application} {self.client_id}" if self.user and self.client_id else ""
        made_from = f" of blueprint {self.blueprint}" if self.agent and self.blueprint else ""
        listed = ", ".join(sorted(self.permissions)) or ("no scopes" if self.user else "no roles")
        age = "" if self.age_in is None else f", {_duration(self.age_in)} old"
        related = {GDAP_USER: " (through GDAP)", DAP_USER: " (through DAP)"}.get(self.relation, "")
        where = f"{self.audience or 'an unknown audience'} in tenant {self.tenant or 'unknown'}{related}"
        return f"The token is for {where}, {owner}{through}{made_from}{age}, with {listed}."

    def record(self) -> dict[str, Any]:
        """Return the fields for JSON; None for what is unknown."""
        return {
            "audience": self.audience or None,
            "kind": "delegated" if self.user else "application",
            "permissions": sorted(self.permissions),
            "tenant": self.tenant or None,
            "client_id": self.client_id or None,
            "name": self.name or None,
            "object_id": self.object_id or None,
            "relation": {GDAP_USER: "gdap", DAP_USER: "dap"}.get(self.relation),
            "age_in": self.age_in,
            "agent": self.agent,
            "agent_user": self.agent_user,
            "blueprint": self.blueprint or None,
        }


def token_rights(claims: Mapping[str, Any], now: float) -> TokenRights:
    """Read the claims: learn.microsoft.com/entra/identity-platform/access-token-claims-reference.

    `now` is in epoch seconds. Claims of another type than documented count as missing.
    """

    def text(*names: str) -> str:
        return next((found for name in names if isinstance(found := claims.get(name), str) and found), "")

    scopes, roles, issued = text("scp").split(), claims.get("roles"), claims.get("iat")
    user = bool(scopes) or text("idtyp") == "user"
    assigned = [role for role in roles if isinstance(role, str)] if isinstance(roles, list) and not user else []
    relations = text("xms_idrel").split()
    return TokenRights(
        text("aud"),
        user,
        frozenset(scopes or assigned),
        text("tid"),
        text("appid", "azp", "client_id"),
        text("upn", "preferred_username", "unique_name") if user else text("app_displayname"),
        text("oid"),
        next((relation for relation in relations if relation in {GDAP_USER, DAP_USER}), ""),
        max(0, now - issued) if isinstance(issued, int | float) and not isinstance(issued, bool) else None,
        _AGENT in text("xms_act_fct").split(),
        user and _AGENT_USER in text("xms_sub_fct").split(),
        text("xms_par_app_azp"),
    )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}" if minutes < 120 else f"{minutes // 60} hours"

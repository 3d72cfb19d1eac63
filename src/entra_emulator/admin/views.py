"""The dashboard's pages about the current state: tenants, applications, policies, faults. They change nothing."""

from html import escape

from entra_emulator.clock import timestamp
from entra_emulator.conditions import REQUIREMENTS, Policy
from entra_emulator.control import Control
from entra_emulator.faults import CUTS, Fault
from entra_emulator.model import App, Tenant, User
from entra_emulator.pages.layout import button, form, problem

from .layout import choice, do, field, page, row, switch, table
from .names import app_name, resource_name, tenant_name

_ON = ("Switch on", "Switch off")
_USER_SWITCHES = {
    "enabled": ("Enable", "Disable"),
    "password_expired": ("Expire password", "Renew password"),
    "mfa_required": ("Require MFA", "Do not require MFA"),
}
_SPANS = {"3600": "1 hour on", "86400": "1 day on", "7776000": "90 days on"}


def key_page(wrong: str = "") -> str:
    """Return the page that asks for the key."""
    content = (
        f"{problem(wrong)}<p>The emulator printed a key when it started. It is also in "
        "<code>ENTRA_EMULATOR_ADMIN_KEY</code>.</p>"
        f"{field('key', 'Key', kind='password')}{button('Open the dashboard')}"
    )
    return page("Dashboard key", None, form("/_admin/key", {}, content))


def overview(control: Control, wrong: str = "") -> str:
    """Return the page with tenants, applications and the clock."""
    state = control.state
    tenants = table(
        "Tenants", ["Name", "Domains", "Tenant ID", "Users", "Policies"], map(_tenant_row, state.tenants.values())
    )
    apps = table(
        "Applications",
        ["Name", "Client ID", "Home", "Audience", "Kind", "State"],
        (_app_row(control, app) for app in state.apps.values()),
    )
    moves = "".join(button(label, "advance_in", seconds, "other") for seconds, label in _SPANS.items())
    now = f"{timestamp(control.clock.now())}, {control.clock.offset_in:+.0f} s from this machine's"
    clock = form("/_admin/clock", {}, f'<div class="toolbar"><span>{now}</span>{moves}</div>')
    tools = f'<div class="toolbar">{do("rotate", "Rotate the signing key")}{do("reset", "Start over")}</div>'
    body = f"{problem(wrong)}{tenants}{apps}<h2>Clock</h2>{clock}<h2>State</h2>{tools}"
    return page("Overview", "", body)


def _tenant_row(tenant: Tenant) -> str:
    link = f'<a href="/_admin/tenants/{tenant.id}">{escape(tenant.name)}</a>'
    domains = escape(", ".join(tenant.domains))
    return row(link, domains, f"<code>{tenant.id}</code>", str(len(tenant.users)), str(len(tenant.policies)))


def _app_row(control: Control, app: App) -> str:
    return row(
        escape(app.name),
        f"<code>{app.id}</code>",
        escape(tenant_name(control.state, app.tenant)),
        escape(app.audience),
        "public" if app.public else "confidential",
        _standing(app.enabled) + switch(f"apps/{app.id}", "enabled", app.enabled, ("Enable", "Disable")),
    )


def _standing(on: object) -> str:
    return "on " if on else "off "


def tenant(control: Control, shown: Tenant) -> str:
    """Return the page of a tenant: its users with their state, applications, consents."""
    state, now = control.state, control.clock.now()
    users = (
        row(
            escape(user.name),
            escape(user.upn),
            escape(", ".join(user.roles) or "-"),
            escape(_account(user, now)),
            _user_buttons(shown, user),
        )
        for user in shown.users
    )
    principals = (
        row(
            escape(app_name(state, each.app)),
            f"<code>{escape(each.app)}</code>",
            _standing(each.enabled)
            + switch(f"tenants/{shown.id}/principals/{each.id}", "enabled", each.enabled, ("Enable", "Disable")),
        )
        for each in shown.principals
    )
    grants = (
        row(
            escape(app_name(state, grant.app)),
            escape(resource_name(state, grant.resource)),
            escape(" ".join(grant.scopes) or "-"),
            escape(" ".join(grant.roles) or "-"),
            escape(grant.user or "everyone"),
        )
        for grant in shown.grants
    )
    body = (
        f"<p><code>{shown.id}</code>, {escape(', '.join(shown.domains))}</p>"
        + table("Users", ["Name", "User name", "Roles", "State", "Change"], users)
        + table("Applications in this tenant", ["Name", "Client ID", "State"], principals)
        + table("Consent", ["Application", "API", "Delegated", "Application's own", "For"], grants)
    )
    return page(shown.name, "", body)


def _user_buttons(tenant: Tenant, user: User) -> str:
    action = f"tenants/{tenant.id}/users/{user.id}"
    buttons = [switch(action, name, getattr(user, name), labels) for name, labels in _USER_SWITCHES.items()]
    return "".join([*buttons, do(f"{action}/revoke", "Revoke sessions")])


def _account(user: User, now: float) -> str:
    parts = [
        "" if user.enabled else "disabled",
        "password expired" if user.password_expired else "",
        "locked" if user.locked_until > now else "",
        "MFA required" if user.mfa_required else "",
        f"risk {user.risk}" if user.risk != "none" else "",
        "sessions revoked" if user.tokens_valid_from else "",
    ]
    return ", ".join(part for part in parts if part) or "fine"


def policies(control: Control, wrong: str = "") -> str:
    """Return the page with every tenant's Conditional Access policies, switches, and a form for another policy."""
    organizations = [tenant for tenant in control.state.tenants.values() if not tenant.personal]
    parts = [_policies_of(control, organization) for organization in organizations]
    content = (
        '<fieldset><legend>Add a policy</legend><div class="grid">'
        + choice("tenant", "Tenant", [organization.domain for organization in organizations])
        + choice("require", "Requires", REQUIREMENTS)
        + field("name", "Name")
        + field("resource", "API (empty: all)", hint="graph, arm, partner or an ID")
        + field("user", "User (empty: all)", hint="user name")
        + f"</div>{button('Add')}</fieldset>"
    )
    return page("Policies", "policies", problem(wrong) + "".join(parts) + form("/_admin/policies", {}, content))


def _policies_of(control: Control, tenant: Tenant) -> str:
    rows = (_policy_row(control, tenant, policy) for policy in tenant.policies)
    head = ["Policy", "Requires", "APIs", "Users", "Only where", "State"]
    shown = table(f"Conditional Access of {tenant.name}", head, rows)
    change = switch(f"tenants/{tenant.id}", "security_defaults", tenant.security_defaults, _ON)
    state = _standing(tenant.security_defaults)
    toolbar = f'<div class="toolbar"><span>Security defaults: {state}</span>{change}</div>'
    return f"<h2>{escape(tenant.name)}</h2>{shown}{toolbar}"


def _policy_row(control: Control, tenant: Tenant, policy: Policy) -> str:
    action = f"tenants/{tenant.id}/policies/{policy.id}"
    return row(
        escape(policy.name),
        escape(policy.require.replace("_", " ")),
        escape(", ".join(resource_name(control.state, identifier) for identifier in policy.resources) or "all"),
        escape(", ".join(policy.users) or ("applications" if policy.workloads else "all")),
        escape(_narrowed(policy)),
        _standing(policy.enabled) + switch(action, "enabled", policy.enabled, _ON),
    )


def _narrowed(policy: Policy) -> str:
    """Return the other conditions of a policy."""
    listed = {
        "except": policy.except_users,
        "roles": policy.roles,
        "applications": policy.apps,
        "grants": policy.grants,
        "user risk": policy.user_risk,
        "sign-in risk": policy.sign_in_risk,
        "contexts": policy.contexts,
        "at": policy.locations,
        "not at": policy.except_locations,
    }
    return "; ".join(f"{name} {', '.join(values)}" for name, values in listed.items() if values) or "-"


def faults(control: Control, wrong: str = "") -> str:
    """Return the page with the injected faults, and a form for another one."""
    rows = (
        row(
            escape(fault.outcome),
            escape(_target(fault)),
            "until removed" if fault.times is None else f"{fault.times} more",
            do(f"faults/{fault.id}/remove", "Remove"),
        )
        for fault in control.faults
    )
    content = (
        '<fieldset><legend>Order a failure</legend><div class="grid">'
        + field("code", "AADSTS code", kind="number", hint="50076")
        + field("status", "HTTP status", kind="number", hint="429")
        + field("retry_after_in", "Retry-After (seconds)", kind="number")
        + field("delay_in", "Delay (seconds)", kind="number")
        + choice("cut", "Cut the connection", CUTS)
        + field("skew_in", "Clock ahead (seconds)", kind="number")
        + field("next_link", "Next page (URL, or loop)")
        + choice("service", "Service", ["login", "graph", "arm", "partner", "vault", "acr", "blob", "*"])
        + field("client", "Client ID (empty: all)")
        + field("tenant", "Tenant (empty: all)")
        + field("grant", "Grant type (empty: all)")
        + field("resource", "API in scope or resource (empty: all)", hint="graph.microsoft")
        + field("path", "Path (empty: token requests)", hint="*/discovery/*")
        + field("error", "OAuth error (empty: the code's)")
        + field("suberror", "Suberror (empty: the code's)")
        + field("claims", "Claims (JSON)")
        + field("times", "Times (empty: always)", kind="number", value="1")
        + f"</div>{button('Order')}</fieldset>"
    )
    ordered = table("Failures ordered", ["What happens", "To which requests", "How often", "Change"], rows)
    return page("Faults", "faults", problem(wrong) + ordered + form("/_admin/faults", {}, content))


def _target(fault: Fault) -> str:
    parts = {
        "client": fault.client,
        "tenant": fault.tenant,
        "grant": fault.grant,
        "for": fault.resource,
        "path": fault.path,
    }
    return ", ".join([f"service {fault.service}", *(f"{name} {value}" for name, value in parts.items() if value)])

"""Consent: the user's own, or an administrator's for everyone."""

from dataclasses import dataclass
from html import escape

from .layout import button, form, page


@dataclass(frozen=True)
class Request:
    """The application, the permissions it requests, and the user who is asked."""

    app: str
    username: str
    organization: str
    wanted: list[str]


def consent(action: str, token: str, request: Request, *, for_all: bool) -> str:
    """Return the consent page. `for_all`: the user may consent for the whole organization."""
    everyone = """<div class="check"><input type="checkbox" id="for-all" name="for_all" value="yes">
<label for="for-all">Consent on behalf of your organization</label></div>
"""
    content = f"""{everyone if for_all else ""}<div class="buttons">
{button("Cancel", "consent", "cancel", "other")}
{button("Accept", "consent", "accept")}
</div>"""
    body = f"""<h1>Permissions requested</h1>
<p>{escape(request.username)}</p>
<p><strong>{escape(request.app)}</strong> requests these permissions:</p>
{_listed(request)}
{form(action, {"flow": token}, content)}"""
    return page("Permissions requested", body, request.organization)


def needs_admin(action: str, token: str, request: Request) -> str:
    """Return the page for a user who may not consent to this."""
    back = f'<div class="buttons">{button("Return to the application", "consent", "cancel")}</div>'
    body = f"""<h1>Need admin approval</h1>
<p>{escape(request.username)}</p>
<p><strong>{escape(request.app)}</strong> needs permissions that only an administrator can grant:</p>
{_listed(request)}
{form(action, {"flow": token}, back)}"""
    return page("Need admin approval", body, request.organization)


def _listed(request: Request) -> str:
    return "<ul>\n" + "\n".join(f"<li>{escape(line)}</li>" for line in request.wanted) + "\n</ul>"

"""The organization's terms of use, which a Conditional Access policy requires."""

from html import escape

from .layout import button, form, page


def terms_of_use(action: str, token: str, app: str, username: str, organization: str) -> str:
    """Return the page that asks the user to accept the terms; declining ends the sign-in."""
    content = f"""<div class="buttons">
{button("Decline", "terms", "cancel", "other")}
{button("Accept", "terms", "accept")}
</div>"""
    body = f"""<h1>{escape(organization)} terms of use</h1>
<p>{escape(username)}</p>
<p>To go on to {escape(app)}, you have to accept the terms of use of {escape(organization)}.</p>
{form(action, {"flow": token}, content)}"""
    return page("Terms of use", body, organization)

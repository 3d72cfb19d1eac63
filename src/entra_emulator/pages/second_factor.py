"""The second factor: what a phone would ask is asked on the page itself."""

from html import escape

from .layout import button, form, page, problem


def second_factor(action: str, token: str, username: str, organization: str, *, wrong: str = "") -> str:
    """The page for multi-factor authentication. Its two buttons are those of an authenticator on a phone."""
    content = f"""{problem(wrong)}<div class="buttons">
{button("Deny", "factor", "deny", "other")}
{button("Approve", "factor", "approve")}
</div>"""
    body = f"""<h1>Approve sign in request</h1>
<p>{escape(username)} needs a second factor. In the emulator these buttons stand for the phone.</p>
{form(action, {"flow": token}, content)}"""
    return page("Approve sign in request", body, organization)

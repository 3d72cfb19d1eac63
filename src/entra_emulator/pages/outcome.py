"""How it ended: an error, a sign-in on another device, a sign-out, or the way back to the application as a form."""

from collections.abc import Mapping
from html import escape

from .layout import button, fields, page


def error(message: str, facts: Mapping[str, str]) -> str:
    """The page for what cannot be said to the application. `facts` are the ids a support request needs."""
    listed = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    body = f"""<h1>You cannot be signed in</h1>
<p role="alert">{escape(message)}</p>
<dl>
{listed}
</dl>"""
    return page("Sign in to your account", body)


def done(heading: str, text: str) -> str:
    """The page after which there is nothing left to do."""
    return page(heading, f"<h1>{escape(heading)}</h1>\n<p>{escape(text)}</p>")


def back_by_form(redirect_uri: str, answer: Mapping[str, str], nonce: str) -> str:
    """The page that posts the answer to the application by itself (form_post)."""
    body = f"""<h1>Going back to the application</h1>
<form method="post" action="{escape(redirect_uri)}">
{fields(answer)}<noscript><p>Scripts are off, so go on yourself.</p></noscript>
<div class="buttons">{button("Continue")}</div>
</form>
<script nonce="{escape(nonce)}">document.forms[0].submit();</script>"""
    return page("Working...", body)

"""The last pages: an error, a finished sign-in or sign-out, and the form that posts a response to the application."""

from collections.abc import Mapping, Sequence
from html import escape

from .layout import button, fields, page

_LOADING_MOST_MS = 5000


def error(message: str, facts: Mapping[str, str]) -> str:
    """Return the page for an error that cannot go to the application. `facts`: the ids that a support request needs."""
    listed = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    body = f"""<h1>You cannot be signed in</h1>
<p role="alert">{escape(message)}</p>
<dl>
{listed}
</dl>"""
    return page("Sign in to your account", body)


def done(heading: str, text: str) -> str:
    """Return the page at the end of a flow."""
    return page(heading, f"<h1>{escape(heading)}</h1>\n<p>{escape(text)}</p>")


def form_post(redirect_uri: str, response: Mapping[str, str], nonce: str) -> str:
    """Return the page that posts the response to the application (response_mode=form_post)."""
    body = f"""<h1>Returning to the application</h1>
<form method="post" action="{escape(redirect_uri)}">
{fields(response)}<noscript><p>Scripts are disabled. Select Continue.</p></noscript>
<div class="buttons">{button("Continue")}</div>
</form>
<script nonce="{escape(nonce)}">document.forms[0].submit();</script>"""
    return page("Working...", body)


def signed_out(frames: Sequence[str] = (), redirect_uri: str = "", nonce: str = "") -> str:
    """Return the page that signs the user out of each application, and then goes to the redirect URI.

    :param frames: the applications' logout URLs.
    :param redirect_uri: "" for none.
    """
    hidden = "\n".join(f'<iframe hidden title="Sign-out" src="{escape(url)}"></iframe>' for url in frames)
    onward = f"""<p><a id="next" href="{escape(redirect_uri)}">Continue</a></p>
<script nonce="{escape(nonce)}">const go = () => location.replace(document.getElementById("next").href);
addEventListener("load", go); setTimeout(go, {_LOADING_MOST_MS});</script>"""
    body = f"""<h1>You signed out of your account</h1>
<p>Close all browser windows too.</p>
{onward if redirect_uri else ""}{hidden}"""
    return page("You signed out of your account", body)

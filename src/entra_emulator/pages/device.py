"""The pages of the device code flow: enter the code, and confirm the application."""

from html import escape

from .layout import button, form, page, problem


def enter_code(action: str, *, code: str = "", wrong: str = "") -> str:
    """Return the page where the user enters the code."""
    content = f"""{problem(wrong)}<label for="otc">Code</label>
<input type="text" class="code" id="otc" name="otc" value="{escape(code)}" autocomplete="off"
 autocapitalize="characters" maxlength="20" required autofocus>
<div class="buttons">
{button("Next")}
</div>"""
    body = (
        f"<h1>Enter code</h1>\n<p>Enter the code that is shown on your app or device.</p>\n{form(action, {}, content)}"
    )
    return page("Sign in to your account", body)


def confirm(action: str, token: str, app: str, username: str) -> str:
    """Return the page that asks whether the user means this application: the code may come from somebody else."""
    content = f"""<div class="buttons">
{button("Cancel", "confirm", "no", "other")}
{button("Continue", "confirm", "yes")}
</div>"""
    body = f"""<h1>Are you trying to sign in to {escape(app)}?</h1>
<p>{escape(username)}</p>
<p>Only continue if you started this sign-in yourself, on a device or app that you trust.</p>
{form(action, {"flow": token}, content)}"""
    return page("Are you trying to sign in?", body)

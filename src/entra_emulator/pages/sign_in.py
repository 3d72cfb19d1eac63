"""The sign-in page with user name and password, and the account picker."""

from html import escape

from .layout import button, form, page, problem


def sign_in(action: str, token: str, app: str, *, username: str = "", wrong: str = "", hint: str = "") -> str:
    """Return the sign-in page. `wrong`: the last attempt's error. `hint`: a sentence about the emulator's users."""
    focus_name, focus_password = ("", " autofocus") if username else (" autofocus", "")
    content = f"""{problem(wrong)}<label for="username">Email</label>
<input type="email" id="username" name="username" value="{escape(username)}"
 autocomplete="username" required{focus_name}>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" required{focus_password}>
{f'<p class="soft">{escape(hint)}</p>' if hint else ""}
<div class="buttons">
{button("Cancel", "choice", "cancel", "other")}
{button("Sign in", "choice", "sign-in")}
</div>"""
    body = f"<h1>Sign in</h1>\n<p>to continue to {escape(app)}</p>\n{form(action, {'flow': token}, content)}"
    return page("Sign in to your account", body)


def pick_account(action: str, token: str, app: str, accounts: list[str]) -> str:
    """Return the page that lists the accounts that are signed in."""
    buttons = "\n".join(button(name, "account", name, "account") for name in accounts)
    another = button("Use another account", "account", "", "account")
    body = f"<h1>Pick an account</h1>\n<p>to continue to {escape(app)}</p>\n"
    return page("Pick an account", body + form(action, {"flow": token}, f"{buttons}\n{another}"))

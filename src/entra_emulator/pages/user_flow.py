"""The pages of Azure AD B2C's user flows: sign in, and choose a new password."""

from html import escape

from .layout import button, form, page, problem


def sign_in(action: str, token: str, app: str, *, username: str = "", wrong: str = "", hint: str = "") -> str:
    """Return the page of a sign-in. `wrong`: the last attempt's error. `hint`: a sentence about the users."""
    content = f"""{problem(wrong)}{_username(username)}
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" required>
{f'<p class="soft">{escape(hint)}</p>' if hint else ""}
<div class="buttons">
{button("Forgot your password?", "choice", "reset", "other")}
{button("Cancel", "choice", "cancel", "other")}
{button("Sign in", "choice", "sign-in")}
</div>"""
    body = f"<h1>Sign in</h1>\n<p>to continue to {escape(app)}</p>\n{form(action, {'flow': token}, content)}"
    return page("Sign in with your email address", body)


def reset_password(action: str, token: str, *, username: str = "", wrong: str = "") -> str:
    """Return the page on which a user chooses a new password. The real one first verifies the email address."""
    content = f"""{problem(wrong)}{_username(username)}
<label for="password">New password</label>
<input type="password" id="password" name="password" autocomplete="new-password" required>
<p class="soft">In this emulator, no code is sent to the address.</p>
<div class="buttons">
{button("Cancel", "choice", "cancel", "other")}
{button("Continue", "choice", "new-password")}
</div>"""
    body = f"<h1>Choose a new password</h1>\n{form(action, {'flow': token}, content)}"
    return page("User details", body)


def _username(value: str) -> str:
    return f"""<label for="username">Email address</label>
<input type="email" id="username" name="username" value="{escape(value)}" autocomplete="username" required>"""

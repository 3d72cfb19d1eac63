"""The second factor: the page has the buttons of the phone or the security key."""

from dataclasses import dataclass
from html import escape

from .layout import button, form, page, problem


@dataclass(frozen=True)
class Account:
    """The user's account. `key`: only a security key suffices."""

    username: str
    organization: str
    key: bool = False


def second_factor(action: str, token: str, account: Account, *, wrong: str = "") -> str:
    """Return the page for multi-factor authentication, with two buttons for a phone's authenticator or a key."""
    title = "Use your security key" if account.key else "Approve sign in request"
    stands_for = "this button stands for the key" if account.key else "these buttons stand for the phone"
    wants = "a security key" if account.key else "a second factor"
    buttons = (
        f"{button('Cancel', 'choice', 'cancel', 'other')}\n{button('Use the key', 'factor', 'key')}"
        if account.key
        else f"{button('Deny', 'factor', 'deny', 'other')}\n{button('Approve', 'factor', 'approve')}"
    )
    content = f'{problem(wrong)}<div class="buttons">\n{buttons}\n</div>'
    body = f"""<h1>{title}</h1>
<p>{escape(account.username)} needs {wants}. In the emulator {stands_for}.</p>
{form(action, {"flow": token}, content)}"""
    return page(title, body, account.organization)

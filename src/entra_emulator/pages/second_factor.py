"""The second factor: what a phone or a key would ask is asked on the page itself."""

from dataclasses import dataclass
from html import escape

from .layout import button, form, page, problem


@dataclass(frozen=True)
class Person:
    """Who is asked. `key`: nothing less than a security key will do."""

    username: str
    organization: str
    key: bool = False


def second_factor(action: str, token: str, person: Person, *, wrong: str = "") -> str:
    """The page for multi-factor authentication. Its two buttons are those of an authenticator on a phone, or a key."""
    title = "Use your security key" if person.key else "Approve sign in request"
    stands_for = "this button stands for the key" if person.key else "these buttons stand for the phone"
    wants = "a security key" if person.key else "a second factor"
    buttons = (
        f"{button('Cancel', 'choice', 'cancel', 'other')}\n{button('Use the key', 'factor', 'key')}"
        if person.key
        else f"{button('Deny', 'factor', 'deny', 'other')}\n{button('Approve', 'factor', 'approve')}"
    )
    content = f'{problem(wrong)}<div class="buttons">\n{buttons}\n</div>'
    body = f"""<h1>{title}</h1>
<p>{escape(person.username)} needs {wants}. In the emulator {stands_for}.</p>
{form(action, {"flow": token}, content)}"""
    return page(title, body, person.organization)

"""A person at the emulator's pages, without a browser: reads each page's form, fills it in, presses its main button."""

from __future__ import annotations

import os
import ssl
import threading
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.environment import for_command

_MOST_PAGES = 12


def use_emulator_environment(entra: Emulator, patch: pytest.MonkeyPatch) -> None:
    """Give this process the environment that `python -m entra_emulator -- CMD` gives a command."""
    wanted = for_command(entra.environment())
    for name in set(os.environ) - set(wanted):
        patch.delenv(name)
    for name, value in wanted.items():
        patch.setenv(name, value)


class _Form(HTMLParser):
    """The first form of a page: where it goes, its fields, and its buttons."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.button: tuple[str, str] | None = None
        self.cancel_button: tuple[str, str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = found.get("action", "")
        elif tag == "input" and found.get("name") and found.get("type") != "checkbox":
            self.fields[found["name"]] = found.get("value", "")
        elif tag == "button" and found.get("class") == "other":
            self.cancel_button = (found.get("name", ""), found.get("value", ""))
        elif tag == "button":
            self.button = (found.get("name", ""), found.get("value", ""))


def form_fields(page: str) -> dict[str, str]:
    """Return the fields of a page's first form."""
    return _Form(page).fields


@dataclass(frozen=True)
class BrowserRedirect:
    """A browser's redirect from the emulator to `url`, with `fields` in a body, or in the URL's query or fragment."""

    url: str
    fields: dict[str, str]
    by_form: bool = False

    def follow(self) -> httpx.Response:
        """Send the response to the application as a browser does. Return the application's page."""
        if self.by_form:
            return httpx.post(self.url, data=self.fields, trust_env=False)
        return httpx.get(self.url, trust_env=False)


class ScriptedUser:
    """Somebody with a password, who approves the second factor and consents. `knows` are the fields they fill in."""

    def __init__(self, entra: Emulator, username: str, password: str = "") -> None:
        self.answers = {"username": username, "password": password or entra.state.settings.password}
        trust = ssl.create_default_context(cafile=entra.ca_file)
        self._browser = httpx.Client(verify=trust, proxy=entra.proxy, trust_env=False)
        self._port = urlsplit(entra.authority).port

    def close(self) -> None:
        self._browser.close()

    def visit(self, url: str, *, cancel: bool = False, **answers: str) -> BrowserRedirect | str:
        """Go where the link leads, page by page: to the way out of the emulator, or to a last page's text.

        `refusing`: press Cancel wherever there is one.
        """
        fills = self.answers | answers
        answer = self._browser.get(url)
        for _ in range(_MOST_PAGES):
            here = str(answer.request.url)
            if answer.is_redirect:
                target = urljoin(here, answer.headers["location"])
                if not self._is_ours(target):
                    parts = urlsplit(target)
                    return BrowserRedirect(target, dict(parse_qsl(parts.query or parts.fragment)))
                answer = self._browser.get(target)
                continue
            form = _Form(answer.text)
            if form.action is None:
                return answer.text
            if not self._is_ours(urljoin(here, form.action)):
                return BrowserRedirect(form.action, form.fields, by_form=True)
            data = {name: fills.get(name.lower()) or value for name, value in form.fields.items()}
            button = (form.cancel_button if cancel else None) or form.button
            if button and button[0]:
                data[button[0]] = button[1]
            answer = self._browser.post(urljoin(here, form.action), data=data)
        raise AssertionError(f"The pages do not end: {answer.text.partition('<main')[2][:500]}")

    def authorize(self, url: str) -> BrowserRedirect:
        """Sign in for an application."""
        redirect = self.visit(url)
        assert isinstance(redirect, BrowserRedirect), redirect
        return redirect

    def enter_code(self, page: str, code: str) -> str:
        """Type a device's code on its page and sign in; the text of the last page."""
        text = self.visit(page, otc=code)
        assert isinstance(text, str)
        return text

    def refuse_code(self, page: str, code: str) -> str:
        """Type a device's code on its page, then press Cancel."""
        text = self.visit(page, cancel=True, otc=code)
        assert isinstance(text, str)
        return text

    def open(self, url: str, *_: object, **__: object) -> bool:
        """Act as the browser that a program opens: sign in and send the response to its loopback address meanwhile."""
        threading.Thread(target=self._follow_redirect, args=(url,), daemon=True).start()
        return True

    def _follow_redirect(self, url: str) -> None:
        self.authorize(url).follow().raise_for_status()

    def _is_ours(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme == "https" and (parts.hostname != "localhost" or parts.port == self._port)

"""A person at the emulator's pages, without a browser: reads each page's form, fills it in, presses its main button."""

from __future__ import annotations

import os
import threading

import httpx
import pytest

from entra_emulator import Emulator, scripted_browser
from entra_emulator.environment import for_command
from entra_emulator.scripted_browser import Form

__all__ = ["BrowserRedirect", "ScriptedUser", "form_fields", "use_emulator_environment"]


def use_emulator_environment(entra: Emulator, patch: pytest.MonkeyPatch) -> None:
    """Give this process the environment that `python -m entra_emulator -- CMD` gives a command."""
    wanted = for_command(entra.environment())
    for name in set(os.environ) - set(wanted):
        patch.delenv(name)
    for name, value in wanted.items():
        patch.setenv(name, value)


def form_fields(page: str) -> dict[str, str]:
    """Return the fields of a page's first form."""
    return Form(page).fields


class BrowserRedirect(scripted_browser.BrowserRedirect):
    """A browser's redirect from the emulator to `url`, with `fields` in a body, or in the URL's query or fragment."""

    def follow(self) -> httpx.Response:
        """Send the response to the application as a browser does. Return the application's page."""
        if self.by_form:
            return httpx.post(self.url, data=self.fields, trust_env=False)
        return httpx.get(self.url, trust_env=False)


class ScriptedUser:
    """Somebody with a password, who approves the second factor and consents. `knows` are the fields they fill in."""

    def __init__(self, entra: Emulator, username: str, password: str = "") -> None:
        self.answers = {"username": username, "password": password or entra.state.settings.password}
        self._browser = entra.browser()

    def close(self) -> None:
        """End the browser's sessions."""

    def visit(self, url: str, *, cancel: bool = False, **answers: str) -> BrowserRedirect | str:
        """Go where the link leads, page by page: to the way out of the emulator, or to a last page's text."""
        end = self._browser.visit(url, self.answers | answers, cancel=cancel)
        return end if isinstance(end, str) else BrowserRedirect(end.url, end.fields, end.by_form)

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

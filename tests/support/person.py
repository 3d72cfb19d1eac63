"""A person at the emulator's pages, without a browser: reads each page's form, fills it in, presses its main button."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

from entra_emulator import Emulator

_MOST_PAGES = 12


class _Form(HTMLParser):
    """The first form of a page: where it goes, its fields, and the button that goes on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.button: tuple[str, str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = found.get("action", "")
        elif tag == "input" and found.get("name") and found.get("type") != "checkbox":
            self.fields[found["name"]] = found.get("value", "")
        elif tag == "button" and found.get("class") != "other":
            self.button = (found.get("name", ""), found.get("value", ""))


class Person:
    """Somebody with a password, who approves the second factor and consents. `knows` are the fields they fill in."""

    def __init__(self, entra: Emulator, username: str, password: str = "") -> None:
        self.knows = {"username": username, "password": password or entra.state.settings.password}
        self._browser = httpx.Client(verify=str(entra.ca_file), proxy=entra.proxy, trust_env=False)
        self._port = urlsplit(entra.authority).port

    def close(self) -> None:
        self._browser.close()

    def visit(self, url: str, **knows: str) -> httpx.Response:
        """Go where the link leads, page by page. Ends at a page without a form, or with the redirect that leaves the
        emulator; that one is not followed.
        """
        fills = self.knows | knows
        answer = self._browser.get(url)
        for _ in range(_MOST_PAGES):
            if answer.is_redirect:
                target = urljoin(str(answer.request.url), answer.headers["location"])
                if not self._is_ours(target):
                    return answer
                answer = self._browser.get(target)
                continue
            form = _Form(answer.text)
            if form.action is None or not self._is_ours(urljoin(str(answer.request.url), form.action)):
                return answer
            data = {name: fills.get(name) or value for name, value in form.fields.items()}
            if form.button and form.button[0]:
                data[form.button[0]] = form.button[1]
            answer = self._browser.post(urljoin(str(answer.request.url), form.action), data=data)
        raise AssertionError(f"The pages do not end: {answer.text[:500]}")

    def authorize(self, url: str) -> str:
        """Sign in for an application; the address the browser is sent to at the end."""
        answer = self.visit(url)
        assert answer.is_redirect, answer.text
        return str(answer.headers["location"])

    def open(self, url: str, *_: object, **__: object) -> bool:
        """Be the browser that a program opens: sign in, and bring the answer to its loopback address."""
        httpx.get(self.authorize(url), trust_env=False).raise_for_status()
        return True

    def _is_ours(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme == "https" and (parts.hostname != "localhost" or parts.port == self._port)

"""A browser without a person: it reads each page's form, fills it in, presses its main button, and follows redirects.

It takes every sign-in that has pages: of OAuth, SAML 2.0, WS-Federation, user flows, devices and administrators.
"""

import contextlib
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPResponse
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPErrorProcessor,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

_MOST_PAGES = 12
_TIMEOUT_IN = 60.0
_URL = "%:/?#[]@!$&'()*+,;=~"  # what a URL may have; a browser encodes the rest
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SignInFailed(ValueError):
    """The pages did not lead back to the application; the message is the last page's text."""


@dataclass(frozen=True)
class BrowserRedirect:
    """The way from the emulator to the application: `url`, and `fields` in a body, or in the URL's query or fragment.

    `by_form`: the fields are posted (response_mode=form_post, SAML).
    """

    url: str
    fields: dict[str, str] = field(repr=False)
    by_form: bool = False

    def send(self) -> int:
        """Send the response to the application, as the browser does. Return the application's HTTP status.

        A fragment is the page's own and is not sent.

        :raises SignInFailed: the application is not on this machine, or does not answer.
        """
        self._check()
        parts = urlsplit(self.url)
        body = urlencode(self.fields).encode() if self.by_form else None
        opener = build_opener(ProxyHandler({}), _AsItIs)
        try:
            with opener.open(Request(self.url, body), timeout=_TIMEOUT_IN) as response:  # noqa: S310 - see above
                return int(response.status)
        except OSError as problem:
            raise SignInFailed(f"The application at {parts.scheme}://{parts.netloc} does not answer.") from problem

    def send_later(self) -> None:
        """Send the response in another thread, for a program that listens only after it has opened the browser.

        :raises SignInFailed: the application is not on this machine.
        """
        self._check()

        def send() -> None:
            with contextlib.suppress(SignInFailed):  # the program that began the sign-in says that nothing came
                self.send()

        threading.Thread(target=send, daemon=True).start()

    def _check(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            raise SignInFailed(f"The application at {parts.scheme}://{parts.netloc} is not at http://localhost.")


class Form(HTMLParser):
    """The first form of a page: its `action` (None without a form), its `fields`, the name and value of its main
    button and of that which cancels. `text`: of the page's main part. `has_problem`: it says that something is wrong.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.button: tuple[str, str] | None = None
        self.cancel_button: tuple[str, str] | None = None
        self.has_problem = False
        self._texts: list[str] = []
        self._in_main = False
        self.feed(page)

    @property
    def text(self) -> str:
        """The text of the page, in one line."""
        return " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag says."""
        found = {name: value or "" for name, value in attrs}
        if tag == "main":
            self._in_main = True
        elif found.get("class") == "problem":
            self.has_problem = True
        elif tag == "form" and self.action is None:
            self.action = found.get("action", "")
        elif tag == "input" and found.get("name") and found.get("type") != "checkbox":
            self.fields[found["name"]] = found.get("value", "")
        elif tag == "button" and found.get("class") == "other":
            self.cancel_button = (found.get("name", ""), found.get("value", ""))
        elif tag == "button":
            self.button = (found.get("name", ""), found.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        """Note the end of the main part."""
        if tag == "main":
            self._in_main = False

    def handle_data(self, data: str) -> None:
        """Note the text."""
        if self._in_main:
            self._texts.append(data)


class _AsItIs(HTTPErrorProcessor):
    """Returns redirects and errors like other responses."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:  # noqa: ARG002
        return response

    https_response = http_response


class ScriptedBrowser:
    """A browser with cookies that reaches the emulator under all its names.

    :param proxy: the emulator's.
    :param trust: TLS settings that trust the emulator.
    :param is_ours: whether a URL is one of the emulator's, and not the application's.
    """

    def __init__(self, proxy: str, trust: ssl.SSLContext, is_ours: Callable[[str], bool]) -> None:
        handlers = (ProxyHandler({"https": proxy}), HTTPSHandler(context=trust), HTTPCookieProcessor(), _AsItIs())
        self._opener: OpenerDirector = build_opener(*handlers)
        self._is_ours = is_ours

    def visit(self, url: str, answers: Mapping[str, str], *, cancel: bool = False) -> BrowserRedirect | str:
        """Go where the link leads, page by page: to the way out of the emulator, or to the last page's HTML.

        :param answers: what to type into the fields of the pages, by their names: username, password, otc.
        :param cancel: press Cancel wherever there is such a button.
        :raises SignInFailed: the link is not the emulator's, or the pages do not end.
        """
        if not self._is_ours(url):
            raise SignInFailed(f"The emulator does not serve {urlsplit(url).netloc or 'such a URL'}.")
        here, status, location, page = self._load(url)
        for _ in range(_MOST_PAGES):
            if 300 <= status < 400:
                target = urljoin(here, location)
                if not self._is_ours(target):
                    parts = urlsplit(target)
                    return BrowserRedirect(target, dict(parse_qsl(parts.query or parts.fragment)))
                here, status, location, page = self._load(target)
                continue
            form = Form(page)
            if form.action is None:
                return page
            if form.has_problem:  # the same answers would be refused again
                raise SignInFailed(f"The sign-in does not go on. The page says: {form.text}")
            target = urljoin(here, form.action)
            if not self._is_ours(target):
                return BrowserRedirect(form.action, form.fields, by_form=True)
            data = {name: answers.get(name.lower()) or value for name, value in form.fields.items()}
            button = (form.cancel_button if cancel else None) or form.button
            if button and button[0]:
                data[button[0]] = button[1]
            here, status, location, page = self._load(target, urlencode(data).encode())
        raise SignInFailed(f"The pages do not end. The last one says: {Form(page).text}")

    def _load(self, url: str, body: bytes | None = None) -> tuple[str, int, str, str]:
        """Return the URL, and the status, the Location and the text of the response."""
        request = Request(quote(url, _URL), body)  # noqa: S310 - the caller has checked the URL
        with self._opener.open(request, timeout=_TIMEOUT_IN) as response:
            text = response.read().decode("utf-8", "replace")
            return url, int(response.status), response.getheader("location") or "", text

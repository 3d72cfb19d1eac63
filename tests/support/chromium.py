"""A real headless Chromium, and the actions of a person in it."""

from __future__ import annotations

import base64
import hashlib
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from tests.support.programs import require

DRIVER = "/usr/bin/chromedriver"
AXE = Path(__file__).resolve().parent.parent / "node/node_modules/axe-core/axe.min.js"
TIMEOUT_IN = 30

_HEADING = "const h = document.querySelector('h1'); return h ? h.innerText : '';"

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=900,900",
)


def public_key_digest(authority: str) -> str:
    """Return the SHA-256 of a server's public key, with which Chromium trusts only this key."""
    parts = urlsplit(authority)
    pem = ssl.get_server_certificate((parts.hostname or "", parts.port or 443))
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class Chromium:
    """One browser with a profile of its own in `folder`. It trusts the server at `authority`, and reaches other servers
    through `proxy` if it is given.
    """

    def __init__(self, folder: Path, authority: str, proxy: str = "") -> None:
        require("chromium")
        options = webdriver.ChromeOptions()
        for flag in _FLAGS:
            options.add_argument(flag)
        options.add_argument(f"--proxy-server={proxy}" if proxy else "--no-proxy-server")
        options.add_argument(f"--user-data-dir={folder}")
        # A hidden frame of the sign-in service has its session only if third-party cookies are allowed.
        options.add_experimental_option("prefs", {"profile.cookie_controls_mode": 0})
        options.add_argument(f"--ignore-certificate-errors-spki-list={public_key_digest(authority)}")
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        self.driver.set_page_load_timeout(TIMEOUT_IN)

    def visit(self, url: str) -> None:
        self.driver.get(url)

    def forget(self) -> None:
        """Delete the cookies of all sites."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})

    def fill(self, **fields: str) -> None:
        """Type into fields, by their names."""
        for name, text in fields.items():
            field = self._find(By.NAME, name)
            field.clear()
            field.send_keys(text)

    def press(self, label: str) -> None:
        """Press the button that says `label`."""
        self._find(By.XPATH, f"//button[normalize-space()={label!r}]").click()

    def check(self, name: str) -> None:
        """Check a checkbox."""
        self._find(By.NAME, name).click()

    def _find(self, by: str, value: str) -> WebElement:
        """Wait for the element and return it: a click returns before the next page has loaded."""
        waited = WebDriverWait(self.driver, TIMEOUT_IN, poll_frequency=0.05)
        try:
            return waited.until(lambda driver: driver.find_element(by, value))
        except TimeoutException:
            raise AssertionError(f"There is no {value}; the page says: {self.text()!r}") from None

    def sees(self, heading: str) -> None:
        """Wait until the page's heading is this one."""
        # One script, since elements found one by one may belong to the previous page.
        waited = WebDriverWait(self.driver, TIMEOUT_IN, poll_frequency=0.05)
        try:
            waited.until(lambda driver: driver.execute_script(_HEADING) == heading)
        except TimeoutException:
            raise AssertionError(f"There is no heading {heading!r}; the page says: {self.text()!r}") from None

    def says(self, words: str) -> None:
        """Wait until the page contains this text: the previous page may have the same heading."""
        waited = WebDriverWait(self.driver, TIMEOUT_IN, poll_frequency=0.05)
        try:
            waited.until(lambda _: words in self.text())
        except TimeoutException:
            raise AssertionError(f"Nothing says {words!r}; the page says: {self.text()!r}") from None

    def unsays(self, words: str) -> None:
        """Wait until the page no longer contains this text, which distinguishes it from the next page."""
        waited = WebDriverWait(self.driver, TIMEOUT_IN, poll_frequency=0.05)
        try:
            waited.until(lambda _: words not in self.text())
        except TimeoutException:
            raise AssertionError(f"The page still says {words!r}: {self.text()!r}") from None

    def waits_for(self, beginning: str) -> None:
        """Wait until the address has this beginning, whether or not a server responds there."""
        waited = WebDriverWait(self.driver, TIMEOUT_IN, poll_frequency=0.05)
        try:
            waited.until(lambda driver: driver.current_url.startswith(beginning))
        except TimeoutException:
            raise AssertionError(f"The browser is at {self.url!r}; the page says: {self.text()!r}") from None

    def text(self) -> str:
        return str(self.driver.execute_script("return document.body ? document.body.innerText : ''"))

    @property
    def url(self) -> str:
        return self.driver.current_url

    def resize(self, width: int, height: int) -> None:
        """Set the size of the viewport, even below the minimum size of a window."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def overflows(self) -> int:
        """Return by how many pixels the page is wider than the viewport."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.driver.execute_script(f"return {width}"))

    def picture(self, path: Path) -> None:
        """Save a screenshot as PNG."""
        self.driver.save_screenshot(str(path))

    def faults(self) -> list[str]:
        """Return axe-core's serious and critical findings on the page: rule and element."""
        # Pages forbid all scripts; the debugger's evaluation does not count as a script of the page.
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text()})
        found: dict[str, Any] = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run(document).then(done, e => done({error: String(e)}));"
        )
        assert "error" not in found, found
        return [
            f"{one['id']}: {node['html']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    def close(self) -> None:
        self.driver.quit()

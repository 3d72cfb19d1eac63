"""Headless Chromium at an emulator, and a single-page application for it to show."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import ssl
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from entra_emulator import Emulator

_NODE = Path(__file__).resolve().parent.parent / "node"
_LIBRARY = _NODE / "node_modules" / "@azure" / "msal-browser" / "lib"
_FILES = {
    "/": (_NODE / "page" / "index.html", "text/html"),
    "/redirect": (_NODE / "page" / "redirect.html", "text/html"),
    "/msal.js": (_LIBRARY / "msal-browser.min.js", "text/javascript"),
    "/bridge.js": (_LIBRARY / "redirect-bridge" / "msal-redirect-bridge.min.js", "text/javascript"),
}


def chromium(entra: Emulator, folder: Path) -> webdriver.Chrome:
    """A browser that reaches Microsoft's names through the emulator's proxy, and trusts the emulator's key alone."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "disable-dev-shm-usage",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        f"user-data-dir={folder}",
        f"proxy-server={entra.proxy}",
        f"ignore-certificate-errors-spki-list={_key_digest(entra)}",
    ):
        options.add_argument(f"--{flag}")
    # A hidden frame of the sign-in service has its session only where cookies of third parties are allowed.
    options.add_experimental_option("prefs", {"profile.cookie_controls_mode": 0})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def _key_digest(entra: Emulator) -> str:
    port = urlsplit(entra.authority).port or 0
    leaf = x509.load_pem_x509_certificate(ssl.get_server_certificate(("localhost", port)).encode())
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


class SinglePageApplication:
    """Serves the page on loopback. `config` is what the page gives to msal-browser; a reload takes a new one."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        application = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                if path == "/config.json":
                    self._answer(json.dumps(application.config).encode(), "application/json")
                elif path in _FILES:
                    file, kind = _FILES[path]
                    self._answer(file.read_bytes(), kind)
                else:
                    self.send_error(404)

            def _answer(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: the tests read the emulator's log."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

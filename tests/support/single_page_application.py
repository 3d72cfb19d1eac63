"""A single-page application for a browser to show, made with msal-browser."""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_NODE = Path(__file__).resolve().parent.parent / "node"
_LIBRARY = _NODE / "node_modules" / "@azure" / "msal-browser" / "lib"
_FILES = {
    "/": (_NODE / "page" / "index.html", "text/html"),
    "/redirect": (_NODE / "page" / "redirect.html", "text/html"),
    "/msal.js": (_LIBRARY / "msal-browser.min.js", "text/javascript"),
    "/bridge.js": (_LIBRARY / "redirect-bridge" / "msal-redirect-bridge.min.js", "text/javascript"),
}


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

"""The page that ends a sign-in in the browser.

The page contains no part of the request and loads nothing. Its script removes the code from the address bar, because
browsers keep a history. The content security policy allows exactly this style and this script, by their digests.
"""

from __future__ import annotations

import base64
import hashlib

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.port import SignInOutcome

_TEXTS: dict[str, tuple[str, str, str]] = {
    "signed-in": ("Signed in", "You are signed in.", "You can close this window and return to the program."),
    "declined": ("Not signed in", "You are not signed in.", "The sign-in was cancelled. Nothing was stored."),
    "failed": ("Not signed in", "The sign-in failed.", "The program that started it shows why, and what to do next."),
    "unexpected": (
        "Not signed in",
        "This page was not expected.",
        "It does not belong to the sign-in in progress, and was ignored. Close this window.",
    ),
    "in-address": (
        "Not signed in",
        "The response was not accepted.",
        "It came in the address, where others may read it. Start the sign-in again, perhaps with a device code.",
    ),
    "late": (
        "Not signed in",
        "This sign-in has expired.",
        "Start it again in the program.",
    ),
}

_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f3f5f7; color: #1b1f24;
  font: 1.05rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { box-sizing: border-box; width: min(30rem, 100% - 2rem); padding: 2rem 2.25rem; background: #fff;
  border-radius: 10px; border-top: 6px solid #b3541e; box-shadow: 0 2px 14px rgb(0 0 0 / 12%); }
main.done { border-top-color: #1a7f4b; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; }
p { margin: 0; }
footer { margin-top: 1.5rem; font-size: .85rem; color: #57606a; }
@media (prefers-color-scheme: dark) {
  body { background: #15191e; color: #e6e9ec; }
  main { background: #1f252c; }
  footer { color: #a3adb8; }
}
"""

_SCRIPT = 'history.replaceState(null, "", "/");'

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main class="{kind}">
<h1>{heading}</h1>
<p>{text}</p>
<footer>mstoken on this computer</footer>
</main>
<script>{script}</script>
</body>
</html>
"""


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def page(outcome: SignInOutcome | str) -> bytes:
    """Return the HTML page for `outcome`, in UTF-8."""
    title, heading, text = _TEXTS[outcome]
    kind = "done" if outcome == "signed-in" else "not"
    return _PAGE.format(title=title, heading=heading, text=text, kind=kind, style=_STYLE, script=_SCRIPT).encode()


HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_digest(_STYLE)}; script-src {_digest(_SCRIPT)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

"""The layout of all pages: structure, style, and headers with a strict Content-Security-Policy."""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --soft: #57606a; --paper: #fff; --ground: #eef1f5; --line: #8c959f;
  --act: #1f5fbf; --on-act: #fff; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebef; --soft: #aab4bf; --paper: #1d232b; --ground: #12161b;
  --line: #6e7885; --act: #8ab4ff; --on-act: #10151c; --bad: #ff9c92; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center;
  justify-content: center; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
header { width: 100%; max-width: 28rem; padding: .5rem 2rem; font-size: .875rem; color: var(--soft); }
main { width: 100%; max-width: 28rem; padding: 2rem; background: var(--paper); border-radius: 8px;
  box-shadow: 0 2px 12px rgb(0 0 0 / 14%); }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
p, ul { margin: 0 0 1rem; overflow-wrap: anywhere; }
label { display: block; margin: 0 0 .25rem; font-weight: 600; }
input[type=text], input[type=email], input[type=password] { width: 100%; margin: 0 0 1rem; padding: .6rem .7rem;
  font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 6px; }
input.code { letter-spacing: .2em; text-transform: uppercase; }
.check { display: flex; gap: .5rem; align-items: baseline; margin: 0 0 1rem; }
.check label { margin: 0; font-weight: 400; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; justify-content: flex-end; }
button { padding: .6rem 1.4rem; font: inherit; border-radius: 6px; border: 1px solid var(--act); cursor: pointer;
  background: var(--act); color: var(--on-act); }
button.other { background: transparent; color: var(--act); }
button.account { display: block; width: 100%; margin: 0 0 .6rem; text-align: left; background: transparent;
  color: inherit; border-color: var(--line); }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
.problem { margin: 0 0 1rem; padding: .6rem .8rem; border-left: 4px solid var(--bad); color: var(--bad); }
.soft { color: var(--soft); font-size: .875rem; }
dl { margin: 0 0 1rem; font-size: .875rem; }
dt { color: var(--soft); } dd { margin: 0 0 .4rem; overflow-wrap: anywhere; }
footer { padding: 1rem; font-size: .8rem; color: var(--soft); }
@media (max-width: 30rem) { body { padding: 0 .75rem; } main { padding: 1.5rem 1.25rem; }
  header { padding: .5rem 1.25rem; } }
"""
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

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
<header>{organization}</header>
<main>
{body}
</main>
<footer>Local Entra ID emulator: for tests, not Microsoft</footer>
</body>
</html>
"""


def page(title: str, body: str, organization: str = "") -> str:
    """Return a whole page. `body` is HTML; the other texts are not."""
    return _PAGE.format(title=escape(title), organization=escape(organization), body=body, style=STYLE)


def form(action: str, hidden: Mapping[str, str], content: str) -> str:
    """Return a form that posts; `content` is HTML."""
    return f'<form method="post" action="{escape(action)}">\n{fields(hidden)}{content}\n</form>'


def fields(hidden: Mapping[str, str]) -> str:
    """Hidden fields."""
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n' for name, value in hidden.items()
    )


def problem(text: str) -> str:
    """Return the error of the last attempt, "" for none. Screen readers announce it at once."""
    return f'<p class="problem" role="alert">{escape(text)}</p>\n' if text else ""


def button(label: str, name: str = "", value: str = "", kind: str = "") -> str:
    """Return a button that sends the form."""
    attributes = f' name="{escape(name)}" value="{escape(value)}"' if name else ""
    shown = f' class="{kind}"' if kind else ""
    # A button that leaves the form needs none of its fields.
    skip = " formnovalidate" if kind == "other" else ""
    return f'<button type="submit"{shown}{attributes}{skip}>{escape(label)}</button>'


def headers(script: str = "", frames: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Headers of a page. `script`: the nonce of its one script. `frames`: the origins that its frames load."""
    scripts = f" script-src 'nonce-{script}';" if script else ""
    framed = f" frame-src {' '.join(frames)};" if frames else ""
    # No form-action: browsers apply it to the redirect that follows a form, and that goes to the application.
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}';{scripts}{framed} img-src data:; base-uri 'none'; "
    )
    return [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", f"{policy}frame-ancestors 'none'"),
        ("Cache-Control", "no-store, no-cache"),
        ("Pragma", "no-cache"),
        ("Expires", "-1"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("X-Frame-Options", "DENY"),
    ]


def new_nonce() -> str:
    """Return a nonce for a script of one page."""
    return secrets.token_urlsafe(16)

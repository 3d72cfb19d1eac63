"""The layout of the dashboard's pages. They look like the sign-in pages, but are wider."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from entra_emulator.pages.layout import STYLE, button, form

_STYLE = (
    STYLE
    + """
body { display: block; padding: 0 1rem 3rem; }
main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 2rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: center; max-width: 76rem; margin: 0 auto;
  padding: .75rem 0; font-size: 1rem; }
header strong { color: var(--ink); margin-right: 1rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; padding: 0; list-style: none; }
a { color: var(--act); }
nav a { display: inline-block; padding: .25rem 0; }
nav a[aria-current] { color: var(--ink); font-weight: 600; text-decoration: none; border-bottom: 2px solid var(--act); }
.skip { position: absolute; left: -100rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--paper); }
h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; }
.scroll { overflow-x: auto; margin: 0 0 1rem; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
caption { text-align: left; color: var(--soft); padding: 0 0 .4rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: break-word; }
td:first-child { white-space: nowrap; } .long { overflow-wrap: anywhere; }
th { font-weight: 600; white-space: nowrap; }
tr.refused td:first-child { border-left: 4px solid var(--bad); padding-left: .5rem; }
code, pre { font: .85rem/1.45 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; }
pre { margin: .5rem 0 1rem; padding: .75rem; overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
details { border-bottom: 1px solid var(--line); padding: .5rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
fieldset { border: 1px solid var(--line); border-radius: 8px; margin: 0 0 1rem; padding: .75rem 1rem; }
legend { font-weight: 600; padding: 0 .4rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .25rem 1rem; }
.grid input, .grid select { width: 100%; margin: 0 0 .75rem; padding: .45rem .55rem; font: inherit; color: inherit;
  background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
td form { display: inline-block; margin: 0 .25rem .25rem 0; } td button { padding: .2rem .7rem; font-size: .85rem; }
.toolbar { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; align-items: center; margin: 0 0 1rem; }
.toolbar .check { margin: 0; }
@media (max-width: 48rem) { main { padding: 1.25rem 1rem; } .scroll table { width: max-content; min-width: 100%; }
  .scroll td { max-width: 20rem; } }
"""
)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_NAVIGATION = {
    "": "Overview",
    "requests": "Requests",
    "tokens": "Tokens",
    "policies": "Policies",
    "faults": "Faults",
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Entra ID emulator</title>
<link rel="icon" href="data:,">
<style>{style}</style>
{script}</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header><strong>Local Entra ID emulator</strong>{nav}</header>
<main id="content">
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def page(title: str, current: str | None, body: str, *, script: str = "") -> str:
    """Return a whole page. `current` is its place in the navigation, None for no navigation; `body` is HTML."""
    source = f'<script src="{escape(script)}" defer></script>\n' if script else ""
    nav = "" if current is None else _nav(current)
    return _PAGE.format(title=escape(title), style=_STYLE, nav=nav, body=body, script=source)


def _nav(current: str) -> str:
    items = "".join(
        f'<li><a href="/_admin/{path}"{" aria-current=page" if path == current else ""}>{label}</a></li>'
        for path, label in _NAVIGATION.items()
    )
    return f'<nav aria-label="Dashboard"><ul>{items}</ul></nav>'


def table(caption: str, head: Sequence[str], rows: Iterable[str], *, body_id: str = "") -> str:
    """Return a table of rows of HTML. An empty table says so, unless a script may add rows."""
    cells = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in head)
    body = "".join(rows) or ("" if body_id else f'<tr><td colspan="{len(head)}">None.</td></tr>')
    named = f' id="{body_id}"' if body_id else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead><tbody{named}>{body}</tbody></table></div>"
    )


def row(*cells: str, refused: bool = False) -> str:
    """Return a row; the cells are HTML."""
    kind = ' class="refused"' if refused else ""
    return f"<tr{kind}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def field(name: str, label: str, *, kind: str = "text", value: str = "", hint: str = "") -> str:
    """Return a labeled input."""
    shown = f' placeholder="{escape(hint)}"' if hint else ""
    step = ' step="any"' if kind == "number" else ""
    return (
        f'<div><label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}"{step} value="{escape(value)}"{shown}></div>'
    )


def choice(name: str, label: str, options: Iterable[str]) -> str:
    """Return a labeled select. An empty option is shown as a dash."""
    items = "".join(f'<option value="{escape(option)}">{escape(option or "-")}</option>' for option in options)
    return f'<div><label for="{name}">{escape(label)}</label><select id="{name}" name="{name}">{items}</select></div>'


def do(action: str, label: str) -> str:
    """Return a button that posts to `action`."""
    return form(f"/_admin/{action}", {}, button(label, kind="other"))


def switch(action: str, name: str, state: object, labels: tuple[str, str]) -> str:
    """Return a button that toggles a field; `labels` are its texts while the field is false, and while it is true."""
    hidden = {"field": name, "value": "" if state else "yes"}
    return form(f"/_admin/{action}", hidden, button(labels[1 if state else 0], kind="other"))


def headers() -> list[tuple[str, str]]:
    """Return the headers of a dashboard page, which loads nothing from elsewhere, and may not be framed or stored.

    Its own forms must send their origin: with the policy no-referrer, a browser posts them with Origin: null.
    """
    policy = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; script-src 'self'; connect-src 'self'; img-src data:"
    return [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", f"{policy}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "same-origin"),
        ("X-Content-Type-Options", "nosniff"),
    ]

"""Advice for Python programs: the command line's options and commands, as arguments and calls.

The remedies in aadsts.toml are written for the command line. `mstoken get` and the options have a counterpart in
Python, which the reader of a traceback can use at once. Other commands are the same advice for both: those of az,
`mstoken doctor`, and `mstoken login`, whose sign-in `Client.from_profile` uses.
"""

from __future__ import annotations

import shlex

_ARGUMENTS = {
    "--tenant": "tenant_id",
    "--client-id": "client_id",
    "--cloud": "authority",
    "--authority": "authority",
    "--claims": "claims",
    "--domain-hint": "domain_hint",
    "--login-hint": "login_hint",
}
"""Options with a value, and the parameter that takes it: of `get_token`, of a client or of a credential."""
_FLAGS = {"--fresh": "fresh=True"}
_CALLS = {"--scope": 'get_token("SCOPE")', "--profile": 'Client.from_profile("NAME")'}


def as_python(command: str) -> str:
    """Return what a Python program does in place of `command`, the text between two backticks of a remedy.

    `command` is returned unchanged if there is nothing else for Python: the command of another program, a pipeline,
    a command that serves both readers.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    if {"|", "<", ">"} & set(words):
        return command
    if words[:2] == ["mstoken", "get"]:
        return _get_token(words[2:])
    if words and words[0].startswith("--") and len(words) <= 2:
        return _option(*words)
    return command


def _option(flag: str, value: str = "") -> str:
    """Return an option that stands alone, with or without its value. One of another program is returned unchanged."""
    if flag in _ARGUMENTS:
        return f"{_ARGUMENTS[flag]}={_text(value) if value else ''}"
    return _FLAGS.get(flag) or _CALLS.get(flag) or f"{flag} {value}".strip()


def _get_token(words: list[str]) -> str:
    """Return the call of `get_token` for the words after `mstoken get`. A profile is the client's own already."""
    parts, rest = list[str](), iter(words)
    for word in rest:
        if word in _FLAGS:
            parts.append(_FLAGS[word])
        elif word in _ARGUMENTS:
            parts.append(f"{_ARGUMENTS[word]}={_text(next(rest, ''))}")
        elif word.startswith("--"):
            next(rest, "")
        else:
            parts.append(_text(word))
    return f"get_token({', '.join(parts)})"


def _text(value: str) -> str:
    """Return a Python literal in double quotes, as documentation has them."""
    import json

    return json.dumps(value, ensure_ascii=False)

"""`mstoken inspect`: what a token says, in words."""

from __future__ import annotations

from mstoken.cli import output
from mstoken.cli.command import command, form_option
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mstoken.cli.inspection.kinds import Kind
    from mstoken.protocol.jwt import Decoded

LABEL_WIDTH = 13


@command(
    short_help="Say in words what a token is for, for whom and until when.", piped="mstoken get graph | mstoken inspect"
)
@form_option("text", "json")
def inspect(form: str) -> None:
    """Decode a token read from standard input: for whom, by whom, until when, allowed what.

    Understood are a bare token, "Bearer TOKEN", a header, and the JSON of mstoken, az, azd or a token endpoint. The
    token stays on this machine, and its signature is not checked.

    \b
      mstoken get graph | mstoken inspect
      az account get-access-token | mstoken inspect --output json
    """
    _show(_piped(), form)


def _piped() -> str:
    from mstoken.cli import standard_input
    from mstoken.cli.inspection import piped
    from mstoken.errors import UsageError

    if standard_input.at_terminal():
        raise UsageError("inspect reads a token from standard input.", "mstoken get graph | mstoken inspect")
    return piped.token_in(piped.read(standard_input.read(piped.LONGEST + 1)))


def _show(token: str, form: str) -> None:
    from mstoken.cli.inspection import kinds
    from mstoken.protocol.jwt import decode, looks_like_jwt

    if not looks_like_jwt(token) and not token.startswith("eyJ"):
        _show_opaque(kinds.of_opaque(token), form)
        return
    decoded = decode(token)
    kind = kinds.of_jwt(decoded)
    if decoded.encrypted:
        _show_opaque(kind, form, decoded.header)
    elif form == "json":
        _show_json(kind, decoded)
    else:
        _show_text(kind, decoded)


def _show_opaque(kind: Kind, form: str, header: dict[str, Any] | None = None) -> None:
    if form == "json":
        output.write_json({"kind": kind.name, "note": kind.note, "readable": False, "header": header})
    else:
        output.write(f"{_capital(kind.name)}. {kind.note}")


def _show_json(kind: Kind, decoded: Decoded) -> None:
    import time

    from mstoken.cli.inspection.facts import facts_of
    from mstoken.values import as_dict

    facts = facts_of(decoded)
    expires_in = None if facts.expires_on is None else facts.expires_on - int(time.time())
    output.write_json(
        {
            "kind": kind.name,
            "note": kind.note,
            "readable": True,
            "signature_checked": False,
            **as_dict(facts),
            "expires_in": expires_in,
            "header": decoded.header,
            "claims": decoded.claims,
        }
    )


def _show_text(kind: Kind, decoded: Decoded) -> None:
    import time

    from mstoken.cli.inspection import kinds, story
    from mstoken.cli.inspection.facts import facts_of

    if kind is kinds.SIGNED_REQUEST:
        _show_request(kind, decoded)
        return
    facts = facts_of(decoded)
    version = f", v{facts.version}" if facts.version in {"1.0", "2.0"} else ""
    note = f" {kind.note}" if kind.note else ""
    output.write(output.printable(f"{_capital(kind.name)}{version}, {_algorithm(decoded.header)}.{note}"))
    for label, told in story.tell(facts, kind.name, time.time()):
        output.write(_wrapped(label, output.printable(told).replace("\n", " ")))
    output.write(story.UNCHECKED)


def _show_request(kind: Kind, decoded: Decoded) -> None:
    """The request, then the token that is within it."""
    from mstoken.cli.inspection import story

    output.write(output.printable(f"{_capital(kind.name)}, {_algorithm(decoded.header)}. {kind.note}"))
    for label, told in story.tell_request(decoded.claims):
        output.write(_wrapped(label, output.printable(told).replace("\n", " ")))
    output.write("The token in it:")
    _show(str(decoded.claims["at"]), "text")


def _algorithm(header: dict[str, Any]) -> str:
    name = header.get("alg")
    if not isinstance(name, str) or name.lower() == "none":
        return "not signed"
    return f"signed with {name}"


def _wrapped(label: str, told: str) -> str:
    """One line; at a terminal, broken where it ends and indented under its beginning."""
    import shutil
    import textwrap

    head = f"  {label:<{LABEL_WIDTH}}"
    if not output.at_terminal():
        return head + told
    width = max(40, shutil.get_terminal_size().columns)
    return textwrap.fill(
        told,
        width,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

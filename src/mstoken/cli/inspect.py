"""`mstoken inspect`: describe a token."""

from __future__ import annotations

from mstoken.cli import output
from mstoken.cli.command import command, form_option
from mstoken.messages import printable
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mstoken.cli.inspection.kinds import Kind
    from mstoken.protocol.jwt import Decoded


@command(
    short_help="Show what a token is for, who it is for, and when it expires.",
    input_hint="mstoken get graph | mstoken inspect",
)
@form_option("text", "json")
def inspect(form: str) -> None:
    """Decode a token from standard input: service, issuer, identity, lifetime and permissions.

    Input can be a bare token, "Bearer TOKEN", a header, or the JSON of mstoken, az, azd or a token endpoint. The token
    stays on this machine. Its signature is not verified.

    \b
      mstoken get graph | mstoken inspect
      az account get-access-token | mstoken inspect --output json
    """
    _show(_read_input(), form)


def _read_input() -> str:
    from mstoken.cli import standard_input
    from mstoken.cli.inspection import token_input
    from mstoken.errors import UsageError

    if standard_input.at_terminal():
        raise UsageError("inspect reads a token from standard input.", "mstoken get graph | mstoken inspect")
    return token_input.find_token(token_input.decode_input(standard_input.read_bytes(token_input.MAX_BYTES + 1)))


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

    from mstoken.cli.inspection.summary import summarize
    from mstoken.values import as_dict

    summary = summarize(decoded)
    expires_in = None if summary.expires_on is None else summary.expires_on - int(time.time())
    output.write_json(
        {
            "kind": kind.name,
            "note": kind.note,
            "readable": True,
            "signature_checked": False,
            **as_dict(summary),
            "expires_in": expires_in,
            "header": decoded.header,
            "claims": decoded.claims,
        }
    )


def _show_text(kind: Kind, decoded: Decoded) -> None:
    import time

    from mstoken.cli.inspection import description, kinds
    from mstoken.cli.inspection.summary import summarize

    if kind is kinds.SIGNED_REQUEST:
        _show_request(kind, decoded)
        return
    summary = summarize(decoded)
    version = f", v{summary.version}" if summary.version in {"1.0", "2.0"} else ""
    note = f" {kind.note}" if kind.note else ""
    output.write(printable(f"{_capital(kind.name)}{version}, {_algorithm(decoded.header)}.{note}"))
    for label, text in description.describe(summary, kind.name, time.time()):
        output.write_labelled(label, text)
    output.write(description.UNVERIFIED)


def _show_request(kind: Kind, decoded: Decoded) -> None:
    """Print the request, then the token inside it."""
    from mstoken.cli.inspection import description

    output.write(printable(f"{_capital(kind.name)}, {_algorithm(decoded.header)}. {kind.note}"))
    for label, text in description.describe_signed_request(decoded.claims):
        output.write_labelled(label, text)
    output.write("The token in it:")
    _show(str(decoded.claims["at"]), "text")


def _algorithm(header: dict[str, Any]) -> str:
    name = header.get("alg")
    if not isinstance(name, str) or name.lower() == "none":
        return "not signed"
    return f"signed with {name}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

"""The steps of a token request, one line each: for `--debug`, and for the logger `mstoken`.

A step is made only of values that cannot be secret: names of classes and stores, tenants, client ids and scopes,
methods, hosts, paths without their query, status codes, seconds, and ids made by mstoken. Header values, bodies and
a server's words are never part of one. A path is shown, because without it a request cannot be recognized, but a part
of it that has the form of a token, a key or a secret is not (`redaction`), as written or percent-encoded. An address
that is a secret in itself without such a form, such as that of a webhook, is visible there.

`logging` takes half as long to import as Python takes to start, so this module never imports it: a program that wants
the steps has imported it.
"""

from __future__ import annotations

import sys

from mstoken.messages import printable
from mstoken.redaction import redacted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

DEBUG, INFO = 10, 20
"""The levels of `logging`: requests and waits are INFO, the choice of identity and the cache are DEBUG."""

_printers: list[Callable[[str], None]] = []


def print_with(printer: Callable[[str], None]) -> None:
    """Pass every step to `printer` instead of logging it; the command line prints them on standard error."""
    _printers[:] = [printer]


def print_no_more() -> None:
    """End `print_with`."""
    _printers.clear()


def wanted(level: int = DEBUG) -> bool:
    """Return whether somebody reads steps of this level: `--debug`, or a program that set the logger's level."""
    if _printers:
        return True
    logger = _logger()
    return logger is not None and bool(logger.isEnabledFor(level))


def identity(credential: object, client_id: str, authority: Any) -> None:
    """Log which identity requests a token, and where it signs in. `authority` is an `Authority`."""
    if wanted():
        client = f" of client {client_id}" if client_id else ""
        _log(DEBUG, f"identity: {words(credential)}{client} at {authority.url}")


def source(layers: Iterable[str]) -> None:
    """Log where the identity's settings come from, such as `environment` or `profile work`."""
    if wanted():
        _log(DEBUG, f"identity: settings from {', '.join(layers) or 'nowhere'}")


def skipped(link: str, reason: str) -> None:
    """Log that a link of the default chain was skipped. `reason` must not quote what a server or a file says."""
    if wanted():
        _log(DEBUG, f"identity: {link} skipped: {reason}")


def cached(found: str, scopes: Iterable[str], store: str, valid_in: float | None = None) -> None:
    """Log a look into the cache: `found` is hit, stale or miss; `valid_in` is the token's remaining lifetime."""
    if wanted():
        rest = "" if valid_in is None else f", valid for {valid_in:.0f} s"
        _log(DEBUG, f"cache: {found} for {' '.join(scopes)} in {store}{rest}")


def exchanged(method: str, address: str, result: int | BaseException, seconds: float, request_id: str) -> None:
    """Log one HTTP exchange. `address` is host and path; `result` is the status, or the error instead of a response."""
    if wanted(INFO):
        address = _without_secrets(address)
        outcome = result if isinstance(result, int) else f"no response ({type(result).__name__})"
        known = f", client-request-id {request_id}" if request_id else ""
        _log(INFO, f"request: {method} {address}: {outcome} in {seconds:.3f} s{known}")


def added(header: str, reason: str) -> None:
    """Log a header that mstoken adds to a request. Both texts are mstoken's own."""
    if wanted():
        _log(DEBUG, f"request: added {header} for {reason}")


def waiting(seconds: float, attempt: int, most: int) -> None:
    """Log the wait before the next attempt."""
    if wanted(INFO):
        _log(INFO, f"wait: {seconds:.1f} s before attempt {attempt} of {most}")


def paced(seconds: float, reason: str) -> None:
    """Log a wait before a request, which spares the API. `reason` must not quote the API."""
    if wanted(INFO):
        _log(INFO, f"pace: {seconds:.1f} s before the request: {reason}")


def _without_secrets(address: str) -> str:
    """Return the address as it is written, except for the segments that may not be shown, decoded or as they are."""
    from urllib.parse import unquote

    decoded = [(segment, unquote(segment)) for segment in address.split("/")]
    return "/".join(
        segment if redacted(text) == text else redacted(text).replace("/", "%2F") for segment, text in decoded
    )


def words(named: object) -> str:
    """Return a value's class in words: `ClientSecret` is a client secret."""
    name = type(named).__name__
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()


def _logger() -> Any:
    get_logger = getattr(sys.modules.get("logging"), "getLogger", None)  # None while logging is being imported
    return get_logger("mstoken") if get_logger else None


def _log(level: int, text: str) -> None:
    text = printable(text).replace("\n", " ")
    if _printers:
        _printers[0](text)
    else:
        _logger().log(level, "%s", text)

"""What a transport says when no answer came: which step failed, and which setting is about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from mstoken.errors import TransportError, UnreadableAnswer, UntrustedCertificate, UsageError

_TRUST = (
    "If a proxy inspects TLS, put its certificate authority into a PEM file and set SSL_CERT_FILE to it; "
    "otherwise somebody may be listening in."
)
_BUNDLES = "Check the files that SSL_CERT_FILE, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE name: they must be PEM."
_PROXY = "Check HTTPS_PROXY and NO_PROXY."
_AGAIN = "Try again; if it stays so, check the network, HTTPS_PROXY and NO_PROXY."

_FAULTS = (
    (("badencoding",), "A certificate needed to check {host} cannot be read.", _BUNDLES),
    (("certificate",), "The certificate of {host} was not accepted: {root}.", _TRUST),
    (("dns error", "name or service", "nodename"), "The name {host} could not be resolved.", _AGAIN),
    (("tunnel", "proxy"), "The proxy did not open a way to {host}: {root}.", _PROXY),
    (("timed out", "timeout"), "{host} did not answer in time.", _AGAIN),
    (("refused",), "{host} refused the connection.", "Check the address and the port, and that the server runs."),
    (("",), "The connection to {host} failed: {root}.", _AGAIN),
)
"""Words in the chain of causes, and what they mean: the first row that fits."""


def unreachable(url: str, reasons: list[str], issuer: str = "") -> TransportError:
    """The error for a request to `url` that got no answer; `reasons` is the chain of causes, outermost first.

    `issuer` is who issued the certificate, where that was the reason and it is known.
    """
    root = reasons[-1] if reasons else "no reason given"
    message, remedy = _fault(reasons)
    told = message.format(host=_host(url), root=root)
    kind = UntrustedCertificate if remedy in {_TRUST, _BUNDLES} else TransportError
    return kind(f"{told} It was issued by {issuer!r}." if issuer else told, remedy)


def not_accepted(reasons: list[str]) -> bool:
    """Whether the server's certificate was the reason, so that its issuer is worth knowing."""
    return _fault(reasons)[1] is _TRUST


def _fault(reasons: list[str]) -> tuple[str, str]:
    text = " ".join(reasons).lower()
    return next((row[1], row[2]) for row in _FAULTS if any(word in text for word in row[0]))


def too_large(url: str, limit: int) -> UnreadableAnswer:
    """The error for an answer of more than `limit` bytes; the rest was not read."""
    return UnreadableAnswer(
        f"{_host(url)} answered with more than {limit} bytes; the rest was not read.",
        "Check the URL and any proxy between here and there.",
    )


def not_http(url: str) -> TransportError:
    """The error for a server that does not speak HTTP, or breaks its rules."""
    return TransportError(
        f"What {_host(url)} answered is not HTTP.",
        "Check the address and the port, and any proxy between here and there.",
    )


def unreadable_bundle(name: str, path: str, reason: str) -> UsageError:
    """The error for a certificate bundle named by the environment that cannot be used."""
    return UsageError(f"{name} names {path!r}, which cannot be read ({reason}).", f"Correct or unset {name}.")


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or "the server"

"""What a transport says when no answer came: which step failed, and which setting is about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from mstoken.errors import TransportError, UnreadableAnswer, UsageError

_PROXY = "Check HTTPS_PROXY and NO_PROXY."
_TRUST = (
    "If a proxy inspects TLS, put its certificate authority into a PEM file and set SSL_CERT_FILE to it; "
    "otherwise somebody may be listening in."
)
_BUNDLES = "Check the files that SSL_CERT_FILE, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE name: they must be PEM."


def unreachable(url: str, reasons: list[str]) -> TransportError:
    """The error for a request to `url` that got no answer; `reasons` is the chain of causes, outermost first."""
    host = _host(url)
    text = " ".join(reasons).lower()
    root = reasons[-1] if reasons else "no reason given"
    if "badencoding" in text:
        return TransportError(f"A certificate needed to check {host} cannot be read.", _BUNDLES)
    if "certificate" in text:
        return TransportError(f"The certificate of {host} was not accepted: {root}.", _TRUST)
    if "dns error" in text or "name or service" in text or "resolve" in text or "nodename" in text:
        return TransportError(f"The name {host} could not be resolved.", "Check the network, the name and HTTPS_PROXY.")
    if "tunnel" in text or "proxy" in text:
        return TransportError(f"The proxy did not open a way to {host}: {root}.", _PROXY)
    if "timed out" in text or "timeout" in text:
        return TransportError(f"{host} did not answer in time.", f"Try again; {_PROXY[0].lower()}{_PROXY[1:]}")
    if "refused" in text:
        return TransportError(f"{host} refused the connection.", "Check the address and the port, and that it runs.")
    return TransportError(f"The connection to {host} failed: {root}.", f"Try again; {_PROXY[0].lower()}{_PROXY[1:]}")


def too_large(url: str, limit: int) -> UnreadableAnswer:
    """The error for an answer of more than `limit` bytes; the rest was not read."""
    return UnreadableAnswer(
        f"{_host(url)} answered with more than {limit} bytes; the rest was not read.",
        "Check the URL and any proxy between here and there.",
    )


def unreadable_bundle(name: str, path: str, reason: str) -> UsageError:
    """The error for a certificate bundle named by the environment that cannot be used."""
    return UsageError(f"{name} names {path!r}, which cannot be read ({reason}).", f"Correct or unset {name}.")


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or "the server"

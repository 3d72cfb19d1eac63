"""Who issued the certificate that was not accepted: the first thing to know where a proxy inspects TLS.

The HTTP client says that the issuer is unknown, and not its name. So the server is asked once more for its certificate,
on the same way through the same proxy, and nothing is sent to it but the TLS handshake. What it shows is not trusted:
the name goes into an error message and nowhere else.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import ssl
import threading
import urllib.request
from urllib.parse import SplitResult, unquote, urlsplit

PROBE_IN = 3.0
"""Seconds the question may take; an error without the name is better than one that is late."""
_LONGEST_NAME = 120


def issuer_of(url: str, *, direct: bool = False) -> str:
    """The name of who issued the certificate of the server at `url`, '' when it cannot be had in time. Never raises.

    `direct`: past proxies. Otherwise HTTPS_PROXY and NO_PROXY count; a proxy that is itself spoken to by TLS is not
    asked.
    """
    found: list[str] = []
    # A thread, as a server or proxy may send its answer one byte at a time and no socket's time limit would end that.
    probe = threading.Thread(target=_probe, args=(url, found), kwargs={"direct": direct}, daemon=True)
    probe.start()
    probe.join(PROBE_IN)
    return found[0] if found else ""


def _probe(url: str, found: list[str], *, direct: bool) -> None:
    # What fails here has failed before, with an error of its own that is being told.
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        connection = _connection(urlsplit(url), direct=direct)
        if connection is None:
            return
        try:
            connection.connect()
            shown = connection.sock.getpeercert(binary_form=True)
        finally:
            connection.close()
        found.append(issuer_in(shown or b""))


def _connection(parts: SplitResult, *, direct: bool) -> http.client.HTTPSConnection | None:
    if parts.scheme != "https" or not parts.hostname:
        return None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return tls_connection(parts, PROBE_IN, context, direct=direct)


def tls_connection(
    parts: SplitResult, within_in: float, context: ssl.SSLContext, *, direct: bool
) -> http.client.HTTPSConnection | None:
    """To the https server of a URL, or through the proxy for it; None for a proxy of another kind than http."""
    host, port = parts.hostname or "", parts.port or 443
    proxy = None if direct else _proxy(host)
    if proxy is None:
        return http.client.HTTPSConnection(host, port, timeout=within_in, context=context)
    if proxy.scheme != "http" or not proxy.hostname:
        return None
    connection = http.client.HTTPSConnection(proxy.hostname, proxy.port or 80, timeout=within_in, context=context)
    connection.set_tunnel(host, port, _proxy_headers(proxy))
    return connection


def _proxy(host: str) -> SplitResult | None:
    """The proxy for https to `host`, by the environment or the system's settings."""
    proxies = urllib.request.getproxies()
    address = proxies.get("https") or proxies.get("all")
    if not address or urllib.request.proxy_bypass(host):
        return None
    return urlsplit(address if "://" in address else f"http://{address}")


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    """The proxy's own name and password, which its address carries (RFC 9110 section 11.7.2)."""
    if not proxy.username:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def issuer_in(certificate: bytes) -> str:
    """Common name and organisation, as printable text: whoever made the certificate wrote them.

    Raises ValueError for what is no certificate, or has no name that can be read.
    """
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        issuer = x509.load_der_x509_certificate(certificate).issuer
    except TypeError as error:  # a name of a kind of text that names do not have
        raise ValueError(str(error)) from None
    names = [
        str(attribute.value)
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
        for attribute in issuer.get_attributes_for_oid(oid)
    ]
    text = ", ".join(dict.fromkeys(names)) or issuer.rfc4514_string()
    return "".join(letter for letter in text if letter.isprintable())[:_LONGEST_NAME]

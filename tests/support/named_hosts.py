"""A local server that stands for Microsoft's hosts under their own names, for tools that know no other address.

A tool reaches it through a proxy, and trusts an authority made for these names only. The server takes a request only
with a token of the emulator for the right resource, whose signature it checks.
"""

from __future__ import annotations

import base64
import datetime
import functools
import ipaddress
import json
import ssl
import urllib.request
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.errors import JoseError
from tests.support.certificates import Identity, rsa_key
from tests.support.recording_proxy import RecordingProxy
from tests.support.token_service import RecordedRequest, Reply, TokenService
from tests.support.verifying import JWKS, verified

from entra_emulator import Emulator
from entra_emulator.resources import find_registered


@functools.cache
def certificate_for(hosts: tuple[str, ...]) -> Identity:
    """Return a certificate for `hosts` and loopback, from an authority of its own."""
    now = datetime.datetime.now(datetime.UTC)
    root, key = rsa_key(9), rsa_key(8)

    def build(subject: str, public: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test's hosts")]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
        )

    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    authority = (
        build("Authority of a test's hosts", root.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(root, hashes.SHA256())
    )
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in (*hosts, "localhost")]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    leaf = (
        build(hosts[0], key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(root, hashes.SHA256())
    )
    return Identity(key, leaf, authority)


def server_context(hosts: tuple[str, ...], folder: Path) -> ssl.SSLContext:
    """Return the context of a listener for `hosts`; `folder` gets its certificate and key, as `server.pem`."""
    path = folder / "server.pem"
    path.write_bytes(certificate_for(hosts).pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def sent_token(request: RecordedRequest) -> tuple[str, str]:
    """Return the scheme and the token of a request: a Bearer token, or the password of Basic; '' for none."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        value = base64.b64decode(value).decode().partition(":")[2]
    return scheme, value


class NamedHosts(TokenService):
    """The server: `answer` makes the reply for a request that has a token for `resource`; `refused` for the others.

    `accepted` are the (scheme, claims) of the tokens that it accepted; without `accepting` it accepts none.
    """

    def __init__(self, entra: Emulator, folder: Path, resource: str, *hosts: str) -> None:
        super().__init__(server_context(hosts, folder))
        self.script = [self._reply]
        self.accepting = True
        self.accepted: list[tuple[str, dict[str, Any]]] = []
        self._entra, self._folder, self._hosts, self._resource = entra, folder, hosts, resource
        self._proxy = RecordingProxy(self._server.server_port)

    def __enter__(self) -> Self:
        self._proxy.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._proxy.__exit__()
        self.close()

    @property
    def port(self) -> int:
        return self._server.server_port

    def environment(self) -> dict[str, str]:
        """Return variables that lead a tool here: the proxy, and a bundle with this authority and the emulator's."""
        authority = certificate_for(self._hosts).authority
        assert authority is not None
        bundle = self._folder / "authorities.pem"
        bundle.write_bytes(authority.public_bytes(Encoding.PEM) + self._entra.ca_file.read_bytes())
        trusting = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "PIP_CERT")
        proxy = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), self._proxy.url)
        return dict.fromkeys(trusting, str(bundle)) | proxy

    def accepted_claims(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that the emulator signed for the resource; None for any other."""
        try:
            claims = verified(token, self._keys())
        except (JoseError, ValueError):
            return None
        return claims if claims.get("aud") in self.audiences() else None

    def audiences(self) -> set[str]:
        """Return what a token's `aud` may be: the resource's identifier, or its application ID."""
        known = find_registered(self._resource, "public")
        return {self._resource, known.app_id if known else self._resource}

    def _keys(self) -> JWKS:
        context = ssl.create_default_context(cafile=self._entra.ca_file)
        url = f"{self._entra.authority}/{self._entra.state.default_tenant.id}/discovery/v2.0/keys"
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(url, timeout=10) as response:
            keys: JWKS = json.load(response)
        return keys

    def _reply(self, request: RecordedRequest) -> Reply:
        scheme, token = sent_token(request)
        claims = self.accepted_claims(unquote(token)) if token and self.accepting else None
        if claims is None:
            return self.refused(request)
        self.accepted.append((scheme, claims))
        return self.answer(request)

    def refused(self, request: RecordedRequest) -> Reply:  # noqa: ARG002 - for a server that looks at it
        """Return the reply to a request without a valid token."""
        return Reply(401, "")

    def answer(self, request: RecordedRequest) -> Reply:  # noqa: ARG002 - for a server that looks at it
        """Return the reply to a request with a valid token."""
        return Reply(200, "")

"""The test certificate authority and the names it vouches for."""

import socket
import ssl
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from entra_emulator import Emulator


def shake_hands(entra: Emulator, name: str | None) -> str:
    """A strict TLS handshake with the listener under a host name; returns the leaf's subject."""
    context = ssl.create_default_context(cafile=str(entra.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # what Python 3.13 does by itself
    port = urlsplit(entra.authority).port or 0
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=name) as tls,
    ):
        shown = tls.getpeercert()
    assert shown
    return str(shown["subject"])


@pytest.mark.parametrize(
    ("name", "leaf"),
    [
        ("localhost", "localhost"),
        ("127.0.0.1", "localhost"),
        ("login.microsoftonline.com", "login.microsoftonline.com"),
        ("westeurope.login.microsoft.com", "westeurope.login.microsoft.com"),
        ("graph.microsoft.us", "graph.microsoft.us"),
        ("management.chinacloudapi.cn", "management.chinacloudapi.cn"),
        ("api.partnercenter.microsoft.com", "api.partnercenter.microsoft.com"),
    ],
)
def test_leaf_is_chosen_by_name_and_passes_strict_verification(entra: Emulator, name: str, leaf: str) -> None:
    """Each emulated host shows a certificate for its name that a strict client accepts."""
    assert shake_hands(entra, name) == str(((("commonName", leaf),),))


def test_other_names_get_no_certificate(entra: Emulator) -> None:
    """A client that asks for any other host sees localhost's certificate and turns away."""
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(entra, "www.example.com")


def test_the_authority_is_marked_for_tests_and_name_constrained(entra: Emulator) -> None:
    """The authority's name warns, and its name constraints keep it to localhost and the emulated hosts."""
    certificate = x509.load_pem_x509_certificate(entra.ca_file.read_bytes())
    assert "TEST ONLY" in certificate.subject.rfc4514_string()
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    names = {str(name.value) for name in constraints.value.permitted_subtrees or []}
    assert {"localhost", "login.microsoftonline.com", "127.0.0.1/32"} <= names
    assert not any(name in names for name in ("microsoft.com", "com", ""))
    certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)


def test_concurrent_callers_share_one_authority() -> None:
    """Emulators that start at the same time in several threads share one authority and one signing key."""
    code = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from entra_emulator.network.certificates import shared_authority
from entra_emulator.tokens.signing_keys import shared_key

barrier = Barrier(8)

def both(_):
    barrier.wait()
    return id(shared_authority()), id(shared_key())

with ThreadPoolExecutor(8) as pool:
    print(len(set(pool.map(both, range(8)))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]

"""The name of who issued a certificate: the first thing to know where a proxy inspects TLS."""

from __future__ import annotations

_LONGEST_NAME = 120


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

"""The issuer of a certificate: the most useful fact if a proxy inspects TLS."""

from __future__ import annotations

_LONGEST_NAME = 120


def issuer_in(certificate: bytes) -> str:
    """Return common name and organization as printable text, because the certificate's author is untrusted.

    Raises ValueError for an invalid certificate, or one without a readable name.
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

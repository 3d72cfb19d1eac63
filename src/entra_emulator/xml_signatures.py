"""Enveloped XML signatures (W3C XML Signature Syntax and Processing 1.1) as AD FS and Entra ID write them.

RSA with SHA-256 over the exclusive canonical form. Nothing else is accepted: no other algorithm, transform or
reference, so that what is verified is the very element that the caller reads.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .xml_tree import Element, canonical, parse

NAMESPACE = "http://www.w3.org/2000/09/xmldsig#"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED = f"{NAMESPACE}enveloped-signature"
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_PADDING, _HASH = padding.PKCS1v15(), hashes.SHA256()


class BadXmlSignature(ValueError):
    """The element is not signed, is signed in another way than expected, or the signature is not that of a key."""


def sign(before: str, after: str, reference: str, key: rsa.RSAPrivateKey, certificate: bytes) -> str:
    """Sign the element `before + after`, and return it with the signature between the two parts.

    :param reference: the value of the element's id.
    :param certificate: DER, for the KeyInfo.
    """
    digest = hashlib.sha256(canonical(parse(before + after))).digest()
    info = (
        f'<ds:SignedInfo xmlns:ds="{NAMESPACE}">'
        f'<ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{_RSA_SHA256}"></ds:SignatureMethod>'
        f'<ds:Reference URI="#{reference}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{_ENVELOPED}"></ds:Transform><ds:Transform Algorithm="{_EXCLUSIVE}"></ds:Transform>'
        f'</ds:Transforms><ds:DigestMethod Algorithm="{_SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue>{_text(digest)}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
    signature = key.sign(canonical(parse(info)), _PADDING, _HASH)
    return (
        f'{before}<ds:Signature xmlns:ds="{NAMESPACE}">{info}<ds:SignatureValue>{_text(signature)}</ds:SignatureValue>'
        f'<KeyInfo xmlns="{NAMESPACE}"><X509Data><X509Certificate>{_text(certificate)}</X509Certificate></X509Data>'
        f"</KeyInfo></ds:Signature>{after}"
    )


def verify(element: Element, id_attribute: str, keys: Iterable[rsa.RSAPublicKey]) -> None:
    """Check that one of the keys signed the element, which has the signature as a child.

    :raises BadXmlSignature: none of them did.
    """
    signature = element.find(NAMESPACE, "Signature")
    info = signature.find(NAMESPACE, "SignedInfo") if signature else None
    if signature is None or info is None:
        raise BadXmlSignature("the element is not signed")
    reference = _reference(info, element.attributes.get(id_attribute, ""))
    digest = hashlib.sha256(canonical(element, omitted=signature)).digest()
    if not hmac.compare_digest(_octets(reference.text_at(NAMESPACE, "DigestValue")), digest):
        raise BadXmlSignature("the element was changed")
    value, signed = _octets(signature.text_at(NAMESPACE, "SignatureValue")), canonical(info)
    if not any(_is_of(key, value, signed) for key in keys):
        raise BadXmlSignature("the signature is not that of a known key")


def _reference(info: Element, identifier: str) -> Element:
    """Return the signature's only reference, which is to the element with this id."""
    reference = info.find(NAMESPACE, "Reference")
    transforms = reference.find(NAMESPACE, "Transforms") if reference else None
    if reference is None or transforms is None or reference.attributes.get("URI") != f"#{identifier}":
        raise BadXmlSignature("the signature is not that of this element")
    algorithms = [
        *(_algorithm(info, name) for name in ("CanonicalizationMethod", "SignatureMethod")),
        _algorithm(reference, "DigestMethod"),
        *(one.attributes.get("Algorithm") for one in transforms.elements()),
    ]
    if algorithms != [_EXCLUSIVE, _RSA_SHA256, _SHA256, _ENVELOPED, _EXCLUSIVE] or _has_prefix_list(info):
        raise BadXmlSignature("the signature's algorithms are not supported")
    return reference


def _algorithm(parent: Element, name: str) -> str | None:
    found = parent.find(NAMESPACE, name)
    return found.attributes.get("Algorithm") if found else None


def _has_prefix_list(element: Element) -> bool:
    """Return whether a canonicalization names prefixes to treat as in inclusive canonicalization."""
    return any(one.namespace == _EXCLUSIVE or _has_prefix_list(one) for one in element.elements())


def _is_of(key: rsa.RSAPublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, _PADDING, _HASH)
    except InvalidSignature:
        return False
    return True


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadXmlSignature("the signature is not base64") from None


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()

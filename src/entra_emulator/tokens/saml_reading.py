"""Read SAML assertions of version 1.1 and 2.0 that Entra ID gets from a federated domain's identity provider."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import rsa

from entra_emulator.xml_signatures import BadXmlSignature, verify
from entra_emulator.xml_tree import Element, MalformedXml, parse

from .saml import ONE, TWO

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"


class InvalidAssertion(ValueError):
    """The text is not an assertion of the expected version, or lacks a part. The text says which."""


@dataclass(frozen=True)
class Received:
    """An assertion before its signature is checked. `attributes`: the first values by URI; times are epoch seconds."""

    element: Element
    issuer: str
    audience: str
    subject: str
    attributes: dict[str, str]
    starts_on: float
    expires_on: float

    def check_signature(self, keys: Iterable[rsa.RSAPublicKey]) -> None:
        """:raises InvalidAssertion: the signature is not that of one of the keys."""
        try:
            verify(self.element, "ID" if self.element.namespace == TWO else "AssertionID", keys)
        except BadXmlSignature as problem:
            raise InvalidAssertion(str(problem)) from None


def read(text: bytes, version: str) -> Received:
    """Return an assertion of a version; it may be inside a SAML 2.0 response.

    :raises InvalidAssertion: the text is something else.
    """
    try:
        element = parse(text)
    except MalformedXml:
        raise InvalidAssertion("it is not XML") from None
    if (element.namespace, element.local_name) == (PROTOCOL, "Response"):
        element = element.find(TWO, "Assertion") or element
    if (element.namespace, element.local_name) != (version, "Assertion"):
        raise InvalidAssertion("it is not an assertion of this version")
    return _version_one(element) if version == ONE else _version_two(element)


def _version_one(element: Element) -> Received:
    statement = element.find(ONE, "AttributeStatement")
    attributes = {
        f"{one.attributes.get('AttributeNamespace')}/{one.attributes.get('AttributeName')}": _first(one, ONE)
        for one in (statement.every(ONE, "Attribute") if statement else ())
    }
    return _received(
        element,
        ONE,
        element.attributes.get("Issuer", ""),
        element.text_at(ONE, "Conditions", "AudienceRestrictionCondition", "Audience"),
        element.text_at(ONE, "AttributeStatement", "Subject", "NameIdentifier"),
        attributes,
    )


def _version_two(element: Element) -> Received:
    statement = element.find(TWO, "AttributeStatement")
    attributes = {
        one.attributes.get("Name", ""): _first(one, TWO)
        for one in (statement.every(TWO, "Attribute") if statement else ())
    }
    return _received(
        element,
        TWO,
        element.text_at(TWO, "Issuer"),
        element.text_at(TWO, "Conditions", "AudienceRestriction", "Audience"),
        element.text_at(TWO, "Subject", "NameID"),
        attributes,
    )


def _received(
    element: Element, version: str, issuer: str, audience: str, subject: str, attributes: dict[str, str]
) -> Received:
    conditions = element.find(version, "Conditions")
    if conditions is None or not (issuer and audience and subject):
        raise InvalidAssertion("its issuer, audience, subject or conditions are missing")
    times = [_time(conditions.attributes.get(name, "")) for name in ("NotBefore", "NotOnOrAfter")]
    return Received(element, issuer, audience, subject, attributes, *times)


def _first(attribute: Element, version: str) -> str:
    return next((value.text for value in attribute.every(version, "AttributeValue")), "")


def _time(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise InvalidAssertion("a time of its conditions is missing or malformed") from None

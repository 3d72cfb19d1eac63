"""Signed SAML assertions, as AD FS issues them to Entra ID and Entra ID to applications.

Sources: OASIS SAML 1.1 core sections 2.3 and 5, SAML 2.0 core sections 2.3, 2.7 and 5.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from entra_emulator.ids import new_id
from entra_emulator.xml_signatures import sign
from entra_emulator.xml_tree import escaped

from .signing_keys import SigningKey

ONE, TWO = "urn:oasis:names:tc:SAML:1.0:assertion", "urn:oasis:names:tc:SAML:2.0:assertion"
"""The versions' namespaces, which are also WS-Trust's names of the token types."""

UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
_PASSWORD_ONE, _PASSWORD_TWO = (
    "urn:oasis:names:tc:SAML:1.0:am:password",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
)


@dataclass(frozen=True)
class Assertion:
    """What an issuer says about a user. `attributes`: their values by URI; times are epoch seconds.

    `recipient` is the URL that it is sent to and `in_response_to` the request's id, both of SAML 2.0 only.
    """

    issuer: str
    audience: str
    subject: str
    attributes: Mapping[str, Sequence[str]]
    issued_on: float
    starts_on: float
    expires_on: float
    authenticated_on: float
    subject_format: str = UNSPECIFIED
    recipient: str = ""
    in_response_to: str = ""
    session: str = ""
    id: str = field(default_factory=lambda: f"_{new_id()}")


def moment(seconds: float) -> str:
    """Return a time as xs:dateTime with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def version_one(assertion: Assertion, key: SigningKey) -> str:
    """Return a signed SAML 1.1 assertion. An attribute's namespace is its URI up to the last slash."""
    subject = (
        f'<saml:Subject><saml:NameIdentifier Format="{escaped(assertion.subject_format)}">{escaped(assertion.subject)}'
        "</saml:NameIdentifier><saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:bearer"
        "</saml:ConfirmationMethod></saml:SubjectConfirmation></saml:Subject>"
    )
    attributes = "".join(
        f'<saml:Attribute AttributeName="{escaped(uri.rpartition("/")[2])}"'
        f' AttributeNamespace="{escaped(uri.rpartition("/")[0])}">{_values(values)}</saml:Attribute>'
        for uri, values in assertion.attributes.items()
    )
    before = (
        f'<saml:Assertion MajorVersion="1" MinorVersion="1" AssertionID="{assertion.id}"'
        f' Issuer="{escaped(assertion.issuer)}" IssueInstant="{moment(assertion.issued_on)}" xmlns:saml="{ONE}">'
        f"<saml:Conditions {_times(assertion)}><saml:AudienceRestrictionCondition><saml:Audience>"
        f"{escaped(assertion.audience)}</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions>"
        f"<saml:AttributeStatement>{subject}{attributes}</saml:AttributeStatement>"
        f'<saml:AuthenticationStatement AuthenticationMethod="{_PASSWORD_ONE}"'
        f' AuthenticationInstant="{moment(assertion.authenticated_on)}">{subject}</saml:AuthenticationStatement>'
    )
    return sign(before, "</saml:Assertion>", assertion.id, key.private, key.public.certificate)


def version_two(assertion: Assertion, key: SigningKey) -> str:
    """Return a signed SAML 2.0 assertion."""
    confirmation = "".join(
        f' {name}="{escaped(value)}"'
        for name, value in (("InResponseTo", assertion.in_response_to), ("Recipient", assertion.recipient))
        if value
    )
    attributes = "".join(
        f'<Attribute Name="{escaped(uri)}">{_values(values, "")}</Attribute>'
        for uri, values in assertion.attributes.items()
    )
    before = (
        f'<Assertion xmlns="{TWO}" ID="{assertion.id}" IssueInstant="{moment(assertion.issued_on)}" Version="2.0">'
        f"<Issuer>{escaped(assertion.issuer)}</Issuer>"
    )
    after = (
        f'<Subject><NameID Format="{escaped(assertion.subject_format)}">{escaped(assertion.subject)}</NameID>'
        '<SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData'
        f'{confirmation} NotOnOrAfter="{moment(assertion.expires_on)}"></SubjectConfirmationData></SubjectConfirmation>'
        f"</Subject><Conditions {_times(assertion)}><AudienceRestriction><Audience>{escaped(assertion.audience)}"
        f"</Audience></AudienceRestriction></Conditions><AttributeStatement>{attributes}</AttributeStatement>"
        f'<AuthnStatement AuthnInstant="{moment(assertion.authenticated_on)}"'
        f' SessionIndex="{escaped(assertion.session or assertion.id)}"><AuthnContext><AuthnContextClassRef>'
        f"{_PASSWORD_TWO}</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion>"
    )
    return sign(before, after, assertion.id, key.private, key.public.certificate)


def _times(assertion: Assertion) -> str:
    return f'NotBefore="{moment(assertion.starts_on)}" NotOnOrAfter="{moment(assertion.expires_on)}"'


def _values(values: Sequence[str], prefix: str = "saml:") -> str:
    return "".join(f"<{prefix}AttributeValue>{escaped(value)}</{prefix}AttributeValue>" for value in values)

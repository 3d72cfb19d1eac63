"""The messages that carry an assertion to an application, and the form fields that carry the messages.

Sources: SAML 2.0 core section 3.3.3, bindings section 3.5; WS-Federation 1.2 section 13.2
"""

import base64

from entra_emulator.ids import new_id
from entra_emulator.interaction import ApplicationRequest
from entra_emulator.tokens import saml
from entra_emulator.tokens.saml_reading import PROTOCOL
from entra_emulator.xml_tree import escaped

_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
_TRUST = "http://schemas.xmlsoap.org/ws/2005/02/trust"
_TOKEN_TYPE = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV2.0"


def success(assertion: saml.Assertion, signed: str, wanted: ApplicationRequest) -> str:
    """Return a SAML response with the signed assertion."""
    return _response(
        assertion.issuer, wanted, f'<samlp:StatusCode Value="{_STATUS}Success"/>', signed, assertion.issued_on
    )


def no_passive(issuer: str, wanted: ApplicationRequest, now: float) -> str:
    """Return the response to a request with IsPassive that needs the user (SAML 2.0 core section 3.4.1)."""
    detail = f'<samlp:StatusCode Value="{_STATUS}NoPassive"/>'
    code = f'<samlp:StatusCode Value="{_STATUS}Responder">{detail}</samlp:StatusCode>'
    return _response(issuer, wanted, code, "", now)


def _response(issuer: str, wanted: ApplicationRequest, code: str, assertion: str, issued_on: float) -> str:
    return (
        f'<samlp:Response ID="_{new_id()}" Version="2.0" IssueInstant="{saml.moment(issued_on)}"'
        f' Destination="{escaped(wanted.reply_url)}" InResponseTo="{escaped(wanted.request_id)}"'
        f' xmlns:samlp="{PROTOCOL}"><Issuer xmlns="{saml.TWO}">{escaped(issuer)}</Issuer>'
        f"<samlp:Status>{code}</samlp:Status>{assertion}</samlp:Response>"
    )


def security_token_response(assertion: saml.Assertion, signed: str, wanted: ApplicationRequest) -> str:
    """Return the RequestSecurityTokenResponse of WS-Federation with the signed assertion."""
    utility = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
    return (
        f'<t:RequestSecurityTokenResponse xmlns:t="{_TRUST}"><t:Lifetime>'
        f'<wsu:Created xmlns:wsu="{utility}">{saml.moment(assertion.issued_on)}</wsu:Created>'
        f'<wsu:Expires xmlns:wsu="{utility}">{saml.moment(assertion.expires_on)}</wsu:Expires></t:Lifetime>'
        '<wsp:AppliesTo xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy">'
        '<wsa:EndpointReference xmlns:wsa="http://www.w3.org/2005/08/addressing"><wsa:Address>'
        f"{escaped(wanted.audience)}</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>"
        f"<t:RequestedSecurityToken>{signed}</t:RequestedSecurityToken><t:TokenType>{_TOKEN_TYPE}</t:TokenType>"
        f"<t:RequestType>{_TRUST}/Issue</t:RequestType>"
        "<t:KeyType>http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey</t:KeyType>"
        "</t:RequestSecurityTokenResponse>"
    )


def fields(wanted: ApplicationRequest, message: str) -> dict[str, str]:
    """Return the form that the browser posts to the application."""
    if wanted.protocol == "saml2":
        state = {"RelayState": wanted.context} if wanted.context else {}
        return {"SAMLResponse": base64.b64encode(message.encode()).decode(), **state}
    return {"wa": "wsignin1.0", "wresult": message, **({"wctx": wanted.context} if wanted.context else {})}

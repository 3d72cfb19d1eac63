"""WS-Trust: the metadata document, and assertions for a user name and a password."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.login import federated_domains
from entra_emulator.login.user_realm import is_federated
from entra_emulator.model import User
from entra_emulator.policy.account import check_password
from entra_emulator.tokens import saml
from entra_emulator.web import dated, read_body
from entra_emulator.world import World
from entra_emulator.xml_tree import Element, MalformedXml, escaped, parse

from .wsdl import METADATA

PATHS = {"2005": "/services/trust/2005/usernamemixed", "13": "/services/trust/13/usernamemixed"}
SOAP, ADDRESSING = "http://www.w3.org/2003/05/soap-envelope", "http://www.w3.org/2005/08/addressing"
POLICY = "http://schemas.xmlsoap.org/ws/2004/09/policy"
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-"
SECURITY, UTILITY = f"{_WSS}secext-1.0.xsd", f"{_WSS}utility-1.0.xsd"
_XML = [("Content-Type", "application/soap+xml; charset=utf-8"), ("Cache-Control", "no-store")]


@dataclass(frozen=True)
class Version:
    """A version of WS-Trust: its namespace, and how it names what it answers."""

    namespace: str
    response_action: str
    collection: bool


VERSIONS = {
    "2005": Version(
        "http://schemas.xmlsoap.org/ws/2005/02/trust",
        "http://schemas.xmlsoap.org/ws/2005/02/trust/RSTR/Issue",
        collection=False,
    ),
    "13": Version(
        "http://docs.oasis-open.org/ws-sx/ws-trust/200512",
        "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RSTRC/IssueFinal",
        collection=True,
    ),
}
_WRITERS = {"": saml.version_one, saml.ONE: saml.version_one, saml.TWO: saml.version_two}


class _Fault(Exception):
    """A SOAP fault: `code` is a local name of `namespace`."""

    def __init__(self, namespace: str, code: str, reason: str) -> None:
        super().__init__(reason)
        self.namespace, self.code, self.reason = namespace, code, reason


async def metadata(request: Request) -> Response:
    """GET /services/trust/mex"""
    world: World = request.state.world
    text = METADATA.format(service=escaped(federated_domains.service(world)))
    return dated(world, text.encode(), 200, [("Content-Type", "text/xml; charset=utf-8")])


async def issue_2005(request: Request) -> Response:
    """POST /services/trust/2005/usernamemixed"""
    return await _issue(request, "2005")


async def issue_13(request: Request) -> Response:
    """POST /services/trust/13/usernamemixed"""
    return await _issue(request, "13")


async def _issue(request: Request, version: str) -> Response:
    """Return an assertion about the user of the request, or a fault. AD FS answers 500 even to a wrong password."""
    world: World = request.state.world
    body = await read_body(request)
    try:
        text = _issued(world, body, VERSIONS[version])
    except _Fault as fault:
        return dated(world, _fault(fault).encode(), 500, _XML)
    return dated(world, text.encode(), 200, _XML)


def _issued(world: World, body: bytes, version: Version) -> str:
    try:
        envelope = parse(body)
    except MalformedXml as problem:
        raise _Fault(SOAP, "Sender", f"The request is not SOAP: {problem}.") from None
    token = _at(envelope, (SOAP, "Header"), (SECURITY, "Security"), (SECURITY, "UsernameToken"))
    wanted = _at(envelope, (SOAP, "Body"), (version.namespace, "RequestSecurityToken"))
    audience = _at(wanted, (POLICY, "AppliesTo"), (ADDRESSING, "EndpointReference"), (ADDRESSING, "Address")).text
    if audience != federated_domains.AUDIENCE:
        raise _Fault(
            version.namespace, "InvalidScope", f"MSIS3020: There is no relying party with the identifier '{audience}'."
        )
    kind = wanted.text_at(version.namespace, "TokenType")
    if kind not in _WRITERS:
        raise _Fault(version.namespace, "InvalidRequest", f"ID2015: There is no token of the type '{kind}'.")
    user = authenticated(world, token.text_at(SECURITY, "Username"), token.text_at(SECURITY, "Password"))
    if user is None:
        text = "ID3242: The security token could not be authenticated."
        raise _Fault(version.namespace, "FailedAuthentication", text)
    assertion = federated_domains.assertion(world, user)
    signed = _WRITERS[kind](assertion, federated_domains.signing_key())
    return _response(signed, kind or saml.ONE, assertion, version)


def _at(element: Element, *path: tuple[str, str]) -> Element:
    for namespace, name in path:
        found = element.find(namespace, name)
        if found is None:
            raise _Fault(SOAP, "Sender", f"The request has no element {name}.")
        element = found
    return element


def authenticated(world: World, username: str, password: str) -> User | None:
    """Return the user of a federated domain with this password. AD FS tells nobody why there is none."""
    found = world.state.user(username)
    if found is None or not is_federated(world.state, username):
        return None
    try:
        check_password(*found, password, world.clock.now())
    except EntraError:
        return None
    return found[1]


def token_response(signed: str, kind: str, assertion: saml.Assertion, version: Version) -> str:
    """Return the RequestSecurityTokenResponse of a version, with a signed assertion of the type `kind`."""
    declared = f' xmlns:t="{version.namespace}"'
    return (
        f"<t:RequestSecurityTokenResponse{'' if version.collection else declared}><t:Lifetime>"
        f'<wsu:Created xmlns:wsu="{UTILITY}">{saml.moment(assertion.starts_on)}</wsu:Created>'
        f'<wsu:Expires xmlns:wsu="{UTILITY}">{saml.moment(assertion.expires_on)}</wsu:Expires></t:Lifetime>'
        f'<wsp:AppliesTo xmlns:wsp="{POLICY}"><wsa:EndpointReference xmlns:wsa="{ADDRESSING}"><wsa:Address>'
        f"{federated_domains.AUDIENCE}</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>"
        f"<t:RequestedSecurityToken>{signed}</t:RequestedSecurityToken><t:TokenType>{kind}</t:TokenType>"
        f"<t:RequestType>{version.namespace}/Issue</t:RequestType></t:RequestSecurityTokenResponse>"
    )


def _response(signed: str, kind: str, assertion: saml.Assertion, version: Version) -> str:
    declared, wrapped = f' xmlns:t="{version.namespace}"', token_response(signed, kind, assertion, version)
    if version.collection:
        name = "t:RequestSecurityTokenResponseCollection"
        wrapped = f"<{name}{declared}>{wrapped}</{name}>"
    return _envelope(version.response_action, wrapped)


def _fault(fault: _Fault) -> str:
    body = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode>"
        f'<s:Value xmlns:a="{fault.namespace}">a:{fault.code}</s:Value></s:Subcode></s:Code><s:Reason>'
        f'<s:Text xml:lang="en-US">{escaped(fault.reason)}</s:Text></s:Reason></s:Fault>'
    )
    return _envelope(f"{ADDRESSING}/soap/fault", body)


def _envelope(action: str, body: str) -> str:
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}"><s:Header><a:Action s:mustUnderstand="1">{action}'
        f"</a:Action></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )

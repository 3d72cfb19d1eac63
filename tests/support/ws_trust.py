"""A federated domain at the emulator, and requests to its AD FS for assertions by WS-Trust."""

from __future__ import annotations

import base64
import re

import httpx

from entra_emulator import Emulator

ANN = "ann@federated.example"
DOMAIN = "federated.example"
TRUST = {
    "2005": "http://schemas.xmlsoap.org/ws/2005/02/trust",
    "13": "http://docs.oasis-open.org/ws-sx/ws-trust/200512",
}
SAML_BEARER = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"


def federate(entra: Emulator) -> None:
    """Give the default tenant a federated domain, and Ann in it."""
    tenant = entra.state.default_tenant
    tenant.domains.append(DOMAIN)
    tenant.federated_domains = [DOMAIN]
    entra.add_user(ANN, tenant)


def issue(
    entra: Emulator,
    http: httpx.Client,
    trust: str = "2005",
    *,
    kind: str = "",
    username: str = ANN,
    password: str = "",
    audience: str = "urn:federation:MicrosoftOnline",
) -> httpx.Response:
    """Request an assertion; `username` is XML, `kind` the token type."""
    given = password or entra.state.settings.password
    token_type = f"<TokenType>{kind}</TokenType>" if kind else ""
    envelope = f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>
        <o:Security xmlns:o="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">
        <o:UsernameToken><o:Username>{username}</o:Username><o:Password>{given}</o:Password></o:UsernameToken>
        </o:Security></s:Header><s:Body><RequestSecurityToken xmlns="{TRUST[trust]}">
        <p:AppliesTo xmlns:p="http://schemas.xmlsoap.org/ws/2004/09/policy"
         xmlns:a="http://www.w3.org/2005/08/addressing"><a:EndpointReference><a:Address>{audience}</a:Address>
        </a:EndpointReference></p:AppliesTo>{token_type}</RequestSecurityToken></s:Body></s:Envelope>"""
    return http.post(f"{entra.authority}/adfs/services/trust/{trust}/usernamemixed", content=envelope)


def assertion_in(answer: httpx.Response) -> str:
    """The assertion of a successful response, as it is written there."""
    assert answer.status_code == 200, answer.text
    found = re.search(r"<t:RequestedSecurityToken>(.*)</t:RequestedSecurityToken>", answer.text, re.DOTALL)
    assert found
    return found[1]


def encoded(assertion: str) -> str:
    """The assertion as the value of the token endpoint's parameter."""
    return base64.urlsafe_b64encode(assertion.encode()).decode()

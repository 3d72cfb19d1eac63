"""FederationMetadata.xml: where SAML and WS-Federation applications find the tenant's issuer, keys and endpoints.

Source: learn.microsoft.com/entra/identity-platform/federation-metadata
"""

import base64

from entra_emulator.ids import new_id
from entra_emulator.tokens.saml_reading import PROTOCOL
from entra_emulator.xml_signatures import NAMESPACE, sign
from entra_emulator.xml_tree import escaped

from .exchange import Exchange

_METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
_FEDERATION = "http://docs.oasis-open.org/wsfed/federation/200706"
_BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings:"


def document(exchange: Exchange) -> str:
    """Return a tenant's document, signed; for common and organizations with `{tenantid}` in the issuer.

    :raises EntraError: 90002 900023 for the tenant.
    """
    tenant = exchange.tenant()
    issuer = exchange.site.issuer(tenant.id if tenant else "{tenantid}", 1)
    base = f"{exchange.site.authority}/{tenant.id if tenant else exchange.tenant_name}"
    ring = exchange.world.keys
    keys = "".join(_key(key.certificate) for key in ring.published())
    identifier, signer = f"_{new_id()}", ring.keys[0]
    opening = f'<EntityDescriptor xmlns="{_METADATA}" ID="{identifier}" entityID="{escaped(issuer)}">'
    roles = (
        f'<RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="{_FEDERATION}"'
        f' xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="{_FEDERATION}">{keys}'
        f"<fed:PassiveRequestorEndpoint>{_address(f'{base}/wsfed')}</fed:PassiveRequestorEndpoint></RoleDescriptor>"
        f'<IDPSSODescriptor protocolSupportEnumeration="{PROTOCOL}">{keys}'
        f'<SingleSignOnService Binding="{_BINDINGS}HTTP-Redirect" Location="{escaped(f"{base}/saml2")}"/>'
        f'<SingleSignOnService Binding="{_BINDINGS}HTTP-POST" Location="{escaped(f"{base}/saml2")}"/>'
        "</IDPSSODescriptor></EntityDescriptor>"
    )
    signed = sign(opening, roles, identifier, signer.private, signer.public.certificate)
    return f'<?xml version="1.0" encoding="utf-8"?>{signed}'


def _key(certificate: bytes) -> str:
    return (
        f'<KeyDescriptor use="signing"><KeyInfo xmlns="{NAMESPACE}"><X509Data><X509Certificate>'
        f"{base64.b64encode(certificate).decode()}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
    )


def _address(url: str) -> str:
    return (
        '<wsa:EndpointReference xmlns:wsa="http://www.w3.org/2005/08/addressing">'
        f"<wsa:Address>{escaped(url)}</wsa:Address></wsa:EndpointReference>"
    )

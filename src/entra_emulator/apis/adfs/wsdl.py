"""AD FS's WS-Trust metadata document, with the two endpoints that the emulator has: `{service}` is the base URL.

Client libraries look in it for a policy with a UsernameToken over HTTPS, for the binding with this policy, and for the
port with this binding, whose address they use.
"""

_TOKEN = "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702/IncludeToken/AlwaysToRecipient"

_POLICY = """<wsp:Policy wsu:Id="{name}_policy"><wsp:ExactlyOne><wsp:All>
<sp:TransportBinding xmlns:sp="{namespace}"><wsp:Policy>
<sp:TransportToken><wsp:Policy><sp:HttpsToken><wsp:Policy/></sp:HttpsToken></wsp:Policy></sp:TransportToken>
<sp:AlgorithmSuite><wsp:Policy><sp:Basic256/></wsp:Policy></sp:AlgorithmSuite>
<sp:Layout><wsp:Policy><sp:Strict/></wsp:Policy></sp:Layout><sp:IncludeTimestamp/>
</wsp:Policy></sp:TransportBinding>
<sp:{supporting} xmlns:sp="{namespace}"><wsp:Policy>
<sp:UsernameToken sp:IncludeToken="{token}">
<wsp:Policy><sp:WssUsernameToken10/></wsp:Policy></sp:UsernameToken>
</wsp:Policy></sp:{supporting}>
<wsaw:UsingAddressing/></wsp:All></wsp:ExactlyOne></wsp:Policy>
"""

_BINDING = """<wsdl:binding name="{name}" type="tns:{contract}">
<wsp:PolicyReference URI="#{name}_policy"/>
<soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
<wsdl:operation name="Trust{version}Issue"><soap12:operation soapAction="{action}" style="document"/>
<wsdl:input><soap12:body use="literal"/></wsdl:input><wsdl:output><soap12:body use="literal"/></wsdl:output>
</wsdl:operation></wsdl:binding>
"""

_PORT = """<wsdl:port name="{name}" binding="tns:{name}"><soap12:address location="{address}"/>
<wsa10:EndpointReference><wsa10:Address>{address}</wsa10:Address></wsa10:EndpointReference></wsdl:port>
"""

_ENDPOINTS = (
    {
        "name": "UserNameWSTrustBinding_IWSTrustFeb2005Async",
        "contract": "IWSTrustFeb2005Async",
        "version": "Feb2005",
        "action": "http://schemas.xmlsoap.org/ws/2005/02/trust/RST/Issue",
        "namespace": "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy",
        "supporting": "SignedSupportingTokens",
        "token": "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy/IncludeToken/AlwaysToRecipient",
        "address": "{service}/services/trust/2005/usernamemixed",
    },
    {
        "name": "UserNameWSTrustBinding_IWSTrust13Async",
        "contract": "IWSTrust13Async",
        "version": "13",
        "action": "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue",
        "namespace": "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
        "supporting": "SignedEncryptedSupportingTokens",
        "token": _TOKEN,
        "address": "{service}/services/trust/13/usernamemixed",
    },
)

METADATA = (
    '<wsdl:definitions name="SecurityTokenService" targetNamespace="http://schemas.microsoft.com/ws/2008/06/identity/'
    'securitytokenservice" xmlns:tns="http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice"'
    ' xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"'
    ' xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" xmlns:wsa10="http://www.w3.org/2005/08/addressing"'
    ' xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl" xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/'
    'oasis-200401-wss-wssecurity-utility-1.0.xsd">\n'
    + "".join(_POLICY.format(**endpoint) for endpoint in _ENDPOINTS)
    + "".join(_BINDING.format(**endpoint) for endpoint in _ENDPOINTS)
    + '<wsdl:service name="SecurityTokenService">\n'
    + "".join(_PORT.format(**endpoint) for endpoint in _ENDPOINTS)
    + "</wsdl:service></wsdl:definitions>"
)

"""Requests of applications for a sign-in by SAML 2.0 or WS-Federation.

Sources: SAML 2.0 bindings sections 3.4 and 3.5, core section 3.4.1; WS-Federation 1.2 section 13.1;
learn.microsoft.com/entra/identity-platform/single-sign-on-saml-protocol
"""

import base64
import binascii
import zlib
from urllib.parse import urlsplit

from entra_emulator.aadsts import EntraError
from entra_emulator.interaction import ApplicationRequest
from entra_emulator.model import App
from entra_emulator.tokens.saml import TWO, UNSPECIFIED
from entra_emulator.tokens.saml_claims import EMAIL_ADDRESS, PERSISTENT, TRANSIENT
from entra_emulator.tokens.saml_reading import PROTOCOL
from entra_emulator.xml_tree import Element, MalformedXml, parse

from .client_auth import find_app
from .exchange import Exchange
from .redirects import registered_as

_MOST_INFLATED = 1_048_576
_FORMATS = frozenset({EMAIL_ADDRESS, PERSISTENT, TRANSIENT, UNSPECIFIED, ""})
_CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
_METHODS = {f"{_CLASSES}{name}": "pwd" for name in ("Password", "PasswordProtectedTransport")}
_METHODS |= {f"{_CLASSES}unspecified": ""}


def read_saml(exchange: Exchange, *, deflated: bool, path: str) -> tuple[App, ApplicationRequest]:
    """Return the application and the request of a SAML message.

    :param deflated: the message came in the query (HTTP redirect binding), not in a form (HTTP POST binding).
    :param path: of the request, which `Destination` has to name.
    :raises EntraError: 750054 without a message, 75005 for one that cannot be read, 75008 for another destination,
        700016 unknown application, 50011 500113 reply URL.
    """
    sent = exchange.form.get("samlrequest")
    if not sent:
        raise EntraError(750054)
    message = _message(sent, deflated=deflated)
    attributes = message.attributes
    destination = attributes.get("Destination", "")
    if destination and urlsplit(destination).path.rstrip("/").lower() != path.rstrip("/").lower():
        raise EntraError(75008, destination=destination)
    issuer = message.text_at(TWO, "Issuer")
    policy = message.find(PROTOCOL, "NameIDPolicy")
    name_format = policy.attributes.get("Format", "") if policy else ""
    if not issuer or not attributes.get("ID") or attributes.get("Version") != "2.0" or name_format not in _FORMATS:
        raise EntraError(75005)
    app = _application(exchange, issuer)
    reply_url = _reply_url(app, attributes.get("AssertionConsumerServiceURL", ""))
    return app, ApplicationRequest(
        protocol="saml2",
        audience=issuer,
        reply_url=reply_url,
        context=exchange.form.get("relaystate"),
        request_id=attributes["ID"],
        name_format=name_format,
        new_sign_in=_is_true(attributes.get("ForceAuthn")),
        passive=_is_true(attributes.get("IsPassive")),
        methods=_methods(message),
    )


def read_ws_federation(exchange: Exchange) -> tuple[App, ApplicationRequest]:
    """Return the application and the request of a `wa=wsignin1.0`.

    :raises EntraError: 90023 another action, 900144 without a realm, 700016 unknown application, 50011 500113 reply
        URL.
    """
    form = exchange.form
    if (action := form.required("wa")) != "wsignin1.0":
        raise EntraError(90023, reason=f"unsupported 'wa' value '{action}'")
    realm = form.required("wtrealm")
    app = _application(exchange, realm)
    return app, ApplicationRequest(
        protocol="wsfed",
        audience=realm,
        reply_url=_reply_url(app, form.get("wreply")),
        context=form.get("wctx"),
        new_sign_in=form.get("wfresh") == "0",
    )


def check_method(request: ApplicationRequest, amr: tuple[str, ...]) -> None:
    """Check that the user signed in by one of the methods that the application requires.

    :raises EntraError: 75011.
    """
    if request.methods and not any(method in ("", *amr) for method in request.methods):
        raise EntraError(75011, used=", ".join(amr), wanted=", ".join(request.methods))


def _message(text: str, *, deflated: bool) -> Element:
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
        if deflated:
            raw = zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, _MOST_INFLATED)
        message = parse(raw)
    except (binascii.Error, ValueError, zlib.error, MalformedXml):
        raise EntraError(75005) from None
    if (message.namespace, message.local_name) != (PROTOCOL, "AuthnRequest"):
        raise EntraError(75005)
    return message


def _methods(message: Element) -> tuple[str, ...]:
    """Return the methods that RequestedAuthnContext names: ours where we know them, else the class as it is written."""
    wanted = message.find(PROTOCOL, "RequestedAuthnContext")
    classes = [one.text for one in wanted.every(TWO, "AuthnContextClassRef")] if wanted else []
    return tuple(_METHODS.get(name, name) for name in classes)


def _application(exchange: Exchange, identifier: str) -> App:
    """Return the application with an identifier URI, or with the application id, also after `spn:`."""
    plain = identifier.removeprefix("spn:")
    named = next(
        (app.id for app in exchange.world.state.apps.values() if identifier in app.identifier_uris or plain == app.id),
        plain,
    )
    return find_app(exchange, named, exchange.tenant())


def _reply_url(app: App, requested: str) -> str:
    if not app.redirect_uris:
        raise EntraError(500113)
    if requested and registered_as(app, requested) != "other":
        raise EntraError(50011, redirect_uri=requested, app=app.id)
    return requested or app.redirect_uris[0]


def _is_true(value: str | None) -> bool:
    return value in ("true", "1")

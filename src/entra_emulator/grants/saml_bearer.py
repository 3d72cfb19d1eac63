"""An assertion of a federated domain's identity provider as the grant (RFC 7522 section 2.1).

`saml1_1-bearer` and `saml2-bearer`: client libraries get the assertion from the provider by WS-Trust with the user's
name and password. Source: learn.microsoft.com/entra/identity-platform/v2-saml-bearer-assertion
"""

import binascii
from collections.abc import Callable
from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.ids import from_base64url
from entra_emulator.interaction import Identity
from entra_emulator.login.client_auth import authenticate
from entra_emulator.login.exchange import Exchange
from entra_emulator.login.federated_assertion import read_assertion, user_of
from entra_emulator.login.scopes import parse
from entra_emulator.login.sessions import session_tokens
from entra_emulator.policy.personal import check_grant
from entra_emulator.tokens import saml
from entra_emulator.tokens.saml_reading import Received


def _grant(version: str) -> Callable[[Exchange], dict[str, Any]]:
    def token_response(exchange: Exchange) -> dict[str, Any]:
        """Return the body of the token response.

        :raises EntraError: 9001023 at /common and /consumers, 50107 unknown issuer, 50008 an assertion that is not the
            issuer's for Entra ID, 500133 time, 51004 unknown user, and the codes of `permit`.
        """
        named = exchange.tenant()
        check_grant(named, exchange.tenant_name)
        client = authenticate(exchange, named, needs_proof=False)
        home, user = user_of(exchange.world, _read(exchange.required("assertion"), version))
        requested = parse(exchange.required("scope"))
        identity = Identity(user.id, home.id, ("pwd",), exchange.world.clock.now())
        return session_tokens(exchange, client, identity, named or home, requested)

    return token_response


version_one, version_two = _grant(saml.ONE), _grant(saml.TWO)


def _read(assertion: str, version: str) -> Received:
    """Both alphabets of base64 are accepted: MSAL uses the one for URLs, people who write the request the other."""
    try:
        text = from_base64url(assertion.translate({43: "-", 47: "_"}).rstrip("="))
    except (binascii.Error, ValueError) as problem:
        raise EntraError(50008, reason=str(problem)) from None
    return read_assertion(text, version)

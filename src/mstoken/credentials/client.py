"""How an application authenticates to the token endpoint (RFC 6749 section 2.3)."""

from __future__ import annotations

from mstoken.credentials.assertion import ClientAssertion
from mstoken.credentials.certificate import ClientCertificate, ClientKey
from mstoken.credentials.secret import ClientSecret

ClientCredential = ClientSecret | ClientCertificate | ClientKey | ClientAssertion
"""An application's own credential; a public client has none."""

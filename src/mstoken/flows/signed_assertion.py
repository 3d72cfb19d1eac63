"""Assertions signed with the application's own key: a certificate's key, or one that never leaves its store."""

from __future__ import annotations

from functools import partial

from mstoken.credentials import ClientKey
from mstoken.errors import UsageError
from mstoken.hidden import HiddenText, hidden
from mstoken.protocol.client_assertion import REUSE_FOR_IN, assembled, claims, header, signing_input
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import ClientCertificate
    from mstoken.flows.port import HttpPort
    from mstoken.keys.signer import Signer
    from mstoken.model import TokenRequest


async def signed_assertion(
    credential: ClientCertificate | ClientKey, request: TokenRequest, port: HttpPort, *, fresh: bool = False
) -> str:
    """Return an assertion for the token endpoint of the request: the cached one if it is still valid, unless `fresh`.

    Entra accepts an assertion more than once; other servers may not (RFC 7523 section 3, item 7) and get a new one each
    time. Raises UsageError for a key or certificate that cannot be used.
    """
    audience, now = credential.audience or request.authority.token_endpoint, port.now()
    reusable = not request.authority.token_url
    if reusable and not fresh and (cached := credential.cache.assertion(request.client_id, audience, now)):
        return cached
    signer = await port.call(credential.signer)
    check_expiry(signer, request.client_id, now)
    to_sign = signing_input(
        header(signer.algorithm, signer.chain, send_chain=credential.send_chain),
        claims(request.client_id, audience, now, port.secret()),
    )
    assertion = HiddenText(assembled(to_sign, await _signature(credential, signer, to_sign, port)))
    if reusable:
        credential.cache.store(request.client_id, audience, assertion, now + REUSE_FOR_IN)
    return assertion


def check_expiry(signer: Signer, client_id: str, now: float) -> None:
    """Raise UsageError if the certificate has expired by the local clock. Entra's own error (700027) is unclear."""
    if signer.expires_on <= now:
        from datetime import UTC, datetime

        ended = datetime.fromtimestamp(signer.expires_on, UTC)
        try:
            clock = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
        except (ValueError, OverflowError, OSError):
            clock = "an invalid time"
        raise UsageError(
            f"The certificate of the application {client_id} expired on {ended:%Y-%m-%d %H:%M} UTC. "
            f"This machine's clock shows {clock}.",
            "If the clock is right, create and register a new certificate: "
            f"az ad app credential reset --id {client_id} --append --create-cert",
        )


async def _signature(
    credential: ClientCertificate | ClientKey, signer: Signer, to_sign: bytes, port: HttpPort
) -> bytes:
    signature: bytes = hidden(await port.call(partial(signer.sign, to_sign)))
    if isinstance(credential, ClientKey):
        from mstoken.keys.certificate import signature_matches

        if not await port.call(partial(signature_matches, signer, to_sign, signature)):
            raise UsageError(
                "The key's signature does not match its certificate.",
                f"sign(data, algorithm) must hash and sign data by {signer.algorithm}, with the certificate's own key.",
            )
    return signature

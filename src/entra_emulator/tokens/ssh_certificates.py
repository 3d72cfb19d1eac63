"""SSH certificates, which Entra issues for virtual machines instead of a JWT (`token_type=ssh-cert`).

Source: learn.microsoft.com/entra/identity/devices/howto-vm-sign-in-azure-ad-linux; OpenSSH's PROTOCOL.certkeys. The
access token is the certificate in OpenSSH's form, in base64, without the type name before it.
"""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

_EXTENSIONS = (b"permit-X11-forwarding", b"permit-agent-forwarding", b"permit-port-forwarding", b"permit-pty")


class BadKey(ValueError):
    """The key to certify is not a public RSA key in JWK form."""


def public_key(jwk: object) -> rsa.RSAPublicKey:
    """Return the RSA key of a JWK.

    :raises BadKey: it is something else.
    """
    try:
        key = RSAKey.import_key(jwk).public_key if isinstance(jwk, dict) else None
    except (JoseError, ValueError, TypeError, LookupError):
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadKey("req_cnf is not an RSA key in JWK form")
    return key


def certificate(key: rsa.RSAPublicKey, authority: rsa.RSAPrivateKey, principal: str, valid: tuple[int, int]) -> str:
    """Return the certificate for a key.

    :param principal: who may sign in with it; also the certificate's key id.
    :param valid: from and until, epoch seconds.
    """
    builder = (
        serialization.SSHCertificateBuilder()
        .public_key(key)
        .type(serialization.SSHCertificateType.USER)
        .key_id(principal.encode())
        .valid_principals([principal.encode()])
        .valid_after(valid[0])
        .valid_before(valid[1])
    )
    for name in _EXTENSIONS:
        builder = builder.add_extension(name, b"")
    return builder.sign(authority).public_bytes().split()[1].decode()

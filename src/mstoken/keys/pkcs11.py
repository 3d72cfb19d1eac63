"""RSA keys in a PKCS#11 token: an HSM, a smart card, a TPM. Optional; the only file that imports `pkcs11`.

    key = Pkcs11Key("/usr/lib/softhsm/libsofthsm2.so", token="apps", label="orders", pin=pin)
    Client(tenant, client_id, ClientKey(key, key.certificate))

Source: docs.oasis-open.org/pkcs11/pkcs11-curr/v2.40, sections 2.1.6 (PKCS #1 v1.5) and 2.1.10 (PSS).
"""

from __future__ import annotations

from contextlib import contextmanager

from mstoken.errors import UsageError
from mstoken.foreign import ForeignCode
from mstoken.forks import SharedLock
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Iterator

_ONE_SESSION = SharedLock()  # a PKCS#11 library has one login for each token and process, shared by all sessions


@value
class Pkcs11Key:
    """A private key named by the library (`module`), the token's label, and the key's `label` or `id` (hex).

    Callable as `ClientKey`'s `sign`. A session is opened for each signature and closed after it.
    """

    module: str
    token: str
    label: str = ""
    id: str = ""
    pin: str = field(default="", secret=True)

    def __post_init__(self) -> None:
        if not self.label and not self.id:
            raise UsageError("The PKCS#11 key has no name.", "Give Pkcs11Key a label, or an id in hex.")

    def __call__(self, data: bytes, algorithm: str) -> bytes:
        """Return the signature of `data`, hashed in the token. Blocks. Raises UsageError with the token's error."""
        pkcs11 = _library()
        with _ONE_SESSION.current, self._calls, self._session() as session:
            key = self._find(session, pkcs11.ObjectClass.PRIVATE_KEY)
            if algorithm == "RS256":
                return bytes(key.sign(data, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
            pss = (pkcs11.Mechanism.SHA256, pkcs11.MGF.SHA256, 32)  # salt length = digest length: RFC 7518 section 3.5
            return bytes(key.sign(data, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=pss))

    def certificate(self) -> bytes:
        """Return the certificate stored with the key, DER. Blocks. Raises UsageError if there is none."""
        pkcs11 = _library()
        with _ONE_SESSION.current, self._calls, self._session() as session:
            return bytes(self._find(session, pkcs11.ObjectClass.CERTIFICATE)[pkcs11.Attribute.VALUE])

    def _find(self, session: Any, kind: Any) -> Any:
        pkcs11 = _library()
        wanted: dict[Any, Any] = {pkcs11.Attribute.CLASS: kind}
        if self.label:
            wanted[pkcs11.Attribute.LABEL] = self.label
        if self.id:
            wanted[pkcs11.Attribute.ID] = self._id()
        found = next(iter(session.get_objects(wanted)), None)
        if found is None:
            name = " ".join(filter(None, [self.label, self.id]))
            noun = "certificate" if kind == pkcs11.ObjectClass.CERTIFICATE else "private key"
            raise UsageError(
                f"The PKCS#11 token {self.token!r} has no {noun} called {name}.",
                f"List its objects: pkcs11-tool --module {self.module} --token-label {self.token} --login -O",
            )
        return found

    def _id(self) -> bytes:
        try:
            return bytes.fromhex(self.id)
        except ValueError:
            raise UsageError(
                "The id of the PKCS#11 key is not hexadecimal.", "Write it as, for example, 01 or a1b2c3."
            ) from None

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """Open a session on the token, logged in if there is a PIN."""
        token = _library().lib(self.module).get_token(token_label=self.token)
        with token.open(user_pin=self.pin or None) as session:
            yield session

    @property
    def _calls(self) -> ForeignCode:
        return ForeignCode(f"The PKCS#11 token {self.token!r}", _remedy, quoted=True)


def _remedy(name: str) -> str:
    if "Pin" in name:
        return "Correct the PIN before the token locks itself."
    if "Mechanism" in name:
        return 'If the token does not support PSS, use ClientKey(..., algorithm="RS256").'
    return "Check the module's path and the token's label: pkcs11-tool --list-slots"


def _library() -> Any:
    try:
        import pkcs11
    except ImportError:
        raise UsageError("Keys in PKCS#11 need the package python-pkcs11.", "pip install 'mstoken[pkcs11]'") from None
    return pkcs11

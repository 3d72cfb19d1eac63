"""Client assertions signed with an application's certificate: what is accepted, and each refusal."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import httpx
import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential
from joserfc.jwk import ECKey, RSAKey
from tests.support.assertions import compact
from tests.support.certificates import ec_key, identity, issued, misnamed, with_unknown_key

from entra_emulator import Emulator
from entra_emulator.model import Certificate, TrustedSubject

Ask = Callable[..., httpx.Response]


TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRAPH = "https://graph.microsoft.com/.default"


@pytest.fixture
def entra(entra: Emulator) -> Emulator:
    """The application's certificates are one that is good and one that ended."""
    app = entra.state.default_app
    app.certificates = [Certificate(one.certificate_pem().decode()) for one in (identity(), identity(1, expired=True))]
    return entra


@pytest.fixture
def prove(entra: Emulator, ask: Ask) -> Ask:
    """Client credentials with an assertion; `header` and `changed` replace its parts, None removes one.

    `payload` replaces the claims by JSON text.
    """

    def post(
        number: int = 0, header: dict[str, Any] | None = None, key: Any = None, payload: str = "", **changed: Any
    ) -> httpx.Response:
        one = identity(number, expired=number == 1)
        app, now = entra.state.default_app, int(entra.clock.now())
        thumbprint = hashlib.sha256(one.certificate.public_bytes(_der())).digest()
        named = {"alg": "PS256", "typ": "JWT", "x5t#S256": base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()}
        claims = {
            "aud": f"{entra.authority}/{entra.state.default_tenant.id}/oauth2/v2.0/token",
            "iss": app.id,
            "sub": app.id,
            "jti": "1",
            "nbf": now,
            "exp": now + 600,
        }
        claims = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        used = header if header is not None else named
        text = compact(used, payload or claims, key or RSAKey.import_key(one.key_pem()))
        return ask(
            grant_type="client_credentials",
            scope=GRAPH,
            client_secret=None,
            client_assertion_type=TYPE,
            client_assertion=text,
        )

    return post


def _der() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def code(answer: httpx.Response) -> int:
    found: int = answer.json()["error_codes"][0]
    return found


def test_an_assertion_authenticates_the_application(prove: Ask, claims: Any) -> None:
    """A PS256 assertion named by its SHA-256 thumbprint is accepted, and the token says that a certificate did it."""
    assert claims(prove().json()["access_token"])["appidacr"] == "2"


@pytest.mark.parametrize("padding", ["", "="])
def test_sha1_thumbprint_with_or_without_padding(prove: Ask, padding: str) -> None:
    """RS256 with x5t is accepted; MSAL for Python leaves the padding of base64url in."""
    thumbprint = hashlib.sha1(identity().certificate.public_bytes(_der()), usedforsecurity=False).digest()
    named = base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode() + padding
    assert prove(header={"alg": "RS256", "x5t": named}).status_code == 200


@pytest.mark.parametrize(
    "write",
    [str, float, lambda seconds: f"{seconds}.0", lambda seconds: f"{seconds / 1e9:.9f}e9"],
    ids=["string, as MSAL.NET", "float", "string with a fraction", "string with an exponent"],
)
def test_times_in_any_form_of_a_number(prove: Ask, entra: Emulator, write: Callable[[int], Any]) -> None:
    """nbf and exp may be JSON strings: MSAL.NET writes no others. They keep their meaning."""
    now = int(entra.clock.now())
    assert prove(nbf=write(now), exp=write(now + 600)).status_code == 200
    assert prove(nbf=None, iat=write(now), exp=write(now + 600)).status_code == 200
    assert code(prove(nbf=write(now - 7200), exp=write(now - 3600))) == 700024


@pytest.mark.parametrize("bad", ["", " 1", "soon", "0x10", "nan", "inf", "1e999", True, [1], {"seconds": 1}])
def test_times_that_are_not_numbers_are_refused(prove: Ask, bad: Any) -> None:
    """What is not a number is a malformed assertion, never a time."""
    assert code(prove(exp=bad)) == 50027


@pytest.mark.parametrize(
    "audience",
    [
        "https://login.microsoftonline.com/{}/oauth2/v2.0/token",
        "https://login.microsoftonline.com/{}/oauth2/token",
        "https://login.microsoftonline.com/{}/v2.0",
        "https://LOGIN.microsoftonline.com/northwind-partner.example/oauth2/v2.0/token",
    ],
)
def test_audience_may_have_several_forms(entra: Emulator, prove: Ask, audience: str) -> None:
    """The tenant's token endpoints and its issuer are good audiences, under every name of host and tenant."""
    assert prove(aud=audience.format(entra.state.default_tenant.id)).status_code == 200
    assert prove(aud=[audience.format(entra.state.default_tenant.id)]).status_code == 200


@pytest.mark.parametrize(
    ("expected", "changed"),
    [
        (700021, {"iss": "11111111-2222-4333-8444-555555555555"}),
        (700021, {"sub": None}),
        (700023, {"aud": "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/oauth2/v2.0/token"}),
        (700023, {"aud": "https://evil.example/common/oauth2/v2.0/token"}),
        (700023, {"aud": None}),
        (5002741, {"aud": ["https://login.microsoftonline.com/common", "https://evil.example"]}),
        (700024, {"exp": 1_700_000_000}),
        (700024, {"nbf": 99_999_999_999, "exp": 99_999_999_999}),
        (50027, {"exp": None}),
        (50027, {"exp": "soon"}),
    ],
)
def test_mismatched_claims_are_refused(prove: Ask, expected: int, changed: dict[str, Any]) -> None:
    """Another application, audience or time is refused by its own code."""
    assert code(prove(**changed)) == expected


def test_an_error_about_the_time_has_the_times(prove: Ask) -> None:
    """700024 names the current time and both ends of the assertion's, with seven decimals, as the recorded one does."""
    text = prove(nbf=1_700_000_000, exp=1_700_003_600).json()["error_description"]
    assert "assertion valid from 2023-11-14T22:13:20.0000000Z" in text
    assert "expiry time of assertion 2023-11-14T23:13:20.0000000Z" in text


def test_a_key_that_is_not_the_certificates_is_refused(prove: Ask) -> None:
    """The right thumbprint with another key's signature is 700027."""
    assert code(prove(key=RSAKey.import_key(identity(2).key_pem()))) == 700027


def test_an_expired_certificate_is_refused(prove: Ask) -> None:
    """700027 says that the key is expired."""
    answer = prove(1)
    assert code(answer) == 700027
    assert "The key used is expired" in answer.json()["error_description"]


def test_an_elliptic_key_is_refused(prove: Ask) -> None:
    """Only RSA signatures count, whatever the header says."""
    assert code(prove(header={"alg": "ES256"}, key=ECKey.import_key(ec_key()))) == 50027


def test_unsigned_assertion_is_refused(entra: Emulator, ask: Ask) -> None:
    """`alg: none` proves nothing."""
    answer = ask(
        grant_type="client_credentials",
        scope=GRAPH,
        client_assertion_type=TYPE,
        client_assertion="eyJhbGciOiJub25lIn0.e30.",
    )
    assert code(answer) == 50027


def test_an_assertion_of_a_public_client_is_refused(ask: Ask) -> None:
    """A public client that sends an assertion is told not to."""
    answer = ask(
        grant_type="refresh_token",
        client_id="8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02",
        client_secret=None,
        client_assertion_type=TYPE,
        client_assertion="x",
    )
    assert code(answer) == 700025


@pytest.mark.parametrize(
    ("trusted", "expected"),
    [
        ("CN=app.contoso.example", 200),
        ("cn=APP.contoso.example", 200),
        ("CN=other.contoso.example", 401),
    ],
)
def test_subject_name_and_issuer(entra: Emulator, prove: Ask, trusted: str, expected: int) -> None:
    """With x5c any certificate of the trusted subject and authority is accepted, registered or not."""
    one = issued(3)
    assert one.authority
    authority = one.authority.public_bytes(_pem_encoding()).decode()
    entra.state.default_app.trusted_subjects = [TrustedSubject(trusted, authority)]
    chain = [base64.b64encode(each.public_bytes(_der())).decode() for each in (one.certificate, one.authority)]
    key = RSAKey.import_key(one.key_pem())
    assert prove(header={"alg": "PS256", "x5c": chain}, key=key).status_code == expected
    assert prove(header={"alg": "PS256", "x5c": chain[:1]}, key=key).status_code == expected


def test_a_chain_of_one_certificate_may_be_a_string(entra: Emulator, prove: Ask) -> None:
    """MSAL.NET's sendX5C writes x5c as one string, beside the thumbprint of a certificate that nobody registered."""
    one = issued(3)
    assert one.authority
    authority = one.authority.public_bytes(_pem_encoding()).decode()
    entra.state.default_app.trusted_subjects = [TrustedSubject("CN=app.contoso.example", authority)]
    der = one.certificate.public_bytes(_der())
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    header = {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint, "x5c": base64.b64encode(der).decode()}
    app, now = entra.state.default_app, int(entra.clock.now())
    audience = f"https://login.microsoftonline.com/{entra.state.default_tenant.id}/oauth2/v2.0/token"
    payload = (
        f'{{"aud":"{audience}","iss":"{app.id}","sub":"{app.id}",'
        f'"nbf":"{now}","exp":"{now + 600}","jti":"11111111-2222-4333-8444-555555555555"}}'
    )
    assert prove(header=header, key=RSAKey.import_key(one.key_pem()), payload=payload).status_code == 200


@pytest.mark.parametrize("chain", [["junk"], [], ["AAAA"], ["AAAA"] * 11, "junk", ""])
def test_a_chain_of_junk_does_no_harm(prove: Ask, chain: Any) -> None:
    """What is no certificate in x5c leaves the key unknown."""
    assert code(prove(header={"alg": "PS256", "x5c": chain})) == 700027


@pytest.mark.parametrize("spoil", [misnamed, with_unknown_key])
def test_a_chain_of_odd_certificates_does_no_harm(entra: Emulator, prove: Ask, spoil: Callable[..., bytes]) -> None:
    """What can be read as a certificate, and has a name or a key that cannot, is nobody trusted."""
    one = issued(3)
    assert one.authority
    authority = one.authority.public_bytes(_pem_encoding()).decode()
    entra.state.default_app.trusted_subjects = [TrustedSubject("CN=app.contoso.example", authority)]
    odd = base64.b64encode(spoil(one.certificate)).decode()
    above = base64.b64encode(spoil(one.authority)).decode()
    for chain in ([odd], [odd, above], [base64.b64encode(one.certificate.public_bytes(_der())).decode(), above]):
        assert code(prove(header={"alg": "PS256", "x5c": chain}, key=RSAKey.import_key(one.key_pem()))) == 700027


def test_a_chain_of_another_issuer_is_refused(entra: Emulator, prove: Ask) -> None:
    """A self-made certificate of the trusted subject does not do: the authority must have issued it."""
    one = issued(3)
    assert one.authority
    entra.state.default_app.trusted_subjects = [
        TrustedSubject("CN=app 2", one.authority.public_bytes(_pem_encoding()).decode())
    ]
    forged = identity(2)
    chain = [base64.b64encode(each.public_bytes(_der())).decode() for each in (forged.certificate, one.authority)]
    key = RSAKey.import_key(forged.key_pem())
    assert code(prove(header={"alg": "PS256", "x5c": chain}, key=key)) == 700027


def _pem_encoding() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.PEM


@pytest.mark.parametrize("form", ["PS256", "RS256 with SHA-1 thumbprint", "PFX with chain"])
def test_msal_signs_what_is_accepted(
    entra: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, form: str
) -> None:
    """MSAL for Python proves an application by certificate, in its three forms, against the emulator."""
    for name, value in entra.environment().items():
        monkeypatch.setenv(name, value)
    one = identity()
    pfx = tmp_path / "app.pfx"
    pfx.write_bytes(one.pfx("secret"))
    thumbprint = hashlib.sha1(one.certificate.public_bytes(_der()), usedforsecurity=False).hexdigest()
    credential = {
        "PS256": {"private_key": one.key_pem().decode(), "public_certificate": one.certificate_pem().decode()},
        "RS256 with SHA-1 thumbprint": {"private_key": one.key_pem().decode(), "thumbprint": thumbprint},
        "PFX with chain": {"private_key_pfx_path": str(pfx), "passphrase": "secret", "public_certificate": True},
    }[form]
    client = msal.ConfidentialClientApplication(
        entra.state.default_app.id,
        client_credential=credential,
        authority=f"https://login.microsoftonline.com/{entra.state.default_tenant.id}",
    )
    assert client.acquire_token_for_client([GRAPH])["token_source"] == "identity_provider"


@pytest.mark.parametrize("chain", ["", "with x5c"])
def test_azure_identity_signs_what_is_accepted(entra: Emulator, monkeypatch: pytest.MonkeyPatch, chain: str) -> None:
    """azure-identity's CertificateCredential proves an application, and hears which refusal it met."""
    for name, value in entra.environment().items():
        monkeypatch.setenv(name, value)
    who = (entra.state.default_tenant.id, entra.state.default_app.id)
    data, stranger = identity().pem(), identity(2).pem()
    with CertificateCredential(*who, certificate_data=data, send_certificate_chain=bool(chain)) as credential:
        assert credential.get_token(GRAPH).token
    with (
        CertificateCredential(*who, certificate_data=stranger) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS700027"),
    ):
        credential.get_token(GRAPH)


def test_msal_with_an_unregistered_certificate_is_refused(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """MSAL hands on 700027, which names the thumbprint it sent."""
    for name, value in entra.environment().items():
        monkeypatch.setenv(name, value)
    one = identity(2)
    client = msal.ConfidentialClientApplication(
        entra.state.default_app.id,
        client_credential={
            "private_key": one.key_pem().decode(),
            "public_certificate": one.certificate_pem().decode(),
        },
        authority=f"https://login.microsoftonline.com/{entra.state.default_tenant.id}",
    )
    answer = client.acquire_token_for_client([GRAPH])
    assert answer["error_codes"] == [700027]
    digest = hashlib.sha256(one.certificate.public_bytes(_der())).hexdigest().upper()
    assert digest in answer["error_description"]

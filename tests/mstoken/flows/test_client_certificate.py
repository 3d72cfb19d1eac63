"""Applications that prove themselves with a key: certificate files, and keys that stay in their store."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.certificates import PASSWORD, Identity, identity, issued, with_unknown_key
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from entra_emulator import Emulator
from entra_emulator.model import Certificate, TrustedSubject
from mstoken import Authority, ClientCertificate, ClientKey, CredentialRejected, RefreshToken, UsageError
from mstoken.protocol.client_assertion import TYPE

APP = identity(0)


def refusal(code: int) -> Reply:
    return Reply(401, {"error": "invalid_client", "error_description": f"AADSTS{code}: no", "error_codes": [code]})


def register(entra: Emulator, one: Identity) -> None:
    entra.state.default_app.certificates.append(Certificate(one.certificate_pem().decode()))


def client(runner: Runner, entra: Emulator, credential: Any) -> Any:
    return runner.client(entra.state.default_tenant.id, entra.state.default_app.id, credential, entra.authority)


def store(key: Any) -> Any:
    """A key that never leaves its store: a function that signs."""

    def sign(data: bytes, algorithm: str) -> bytes:
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        signature: bytes = key.sign(data, padding.PKCS1v15() if algorithm == "RS256" else pss, hashes.SHA256())
        return signature

    return sign


FORMS: dict[str, Callable[[Path], ClientCertificate | ClientKey]] = {
    "PEM file": lambda at: ClientCertificate(at / "app.pem"),
    "PEM file with password": lambda at: ClientCertificate(str(at / "secret.pem"), password=PASSWORD),
    "key in a file of its own": lambda at: ClientCertificate(
        at / "app.crt", key_path=at / "key.pem", password=PASSWORD
    ),
    "PFX file": lambda at: ClientCertificate(at / "app.pfx", password=PASSWORD),
    "PFX file without password": lambda at: ClientCertificate(at / "open.pfx"),
    "PEM text": lambda _: ClientCertificate(data=APP.pem().decode()),
    "PFX bytes, RS256": lambda _: ClientCertificate(data=APP.pfx(PASSWORD), password=PASSWORD, algorithm="RS256"),
    "key in a store": lambda _: ClientKey(store(APP.key), APP.certificate_pem()),
    "key in a store, RS256, DER from a function": lambda _: ClientKey(
        store(APP.key), lambda: APP.certificate.public_bytes(Encoding.DER), algorithm="RS256"
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The application's key and certificate in files."""
    files = {
        "app.pem": APP.pem(),
        "secret.pem": APP.pem(PASSWORD),
        "app.pfx": APP.pfx(PASSWORD),
        "open.pfx": APP.pfx(),
        "key.pem": APP.key_pem(PASSWORD),
        "app.crt": APP.certificate_pem(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gets_tokens(runner: Runner, entra: Emulator, folder: Path, form: str) -> None:
    """Every form of certificate and key gets an app-only token, and a user's beside a refresh token."""
    register(entra, APP)
    credential = FORMS[form](folder)
    app = client(runner, entra, credential)
    assert runner.run(lambda: app.get_token("graph")).token
    assert entra.token_requests[-1].form[:3] == ("client_id", "client_assertion_type", "client_assertion")
    user = client(runner, entra, RefreshToken(entra.sign_in("nadia@northwind-partner.example"), credential))
    assert "User.Read" in runner.run(lambda: user.get_token("graph")).scope


@pytest.mark.parametrize("form", ["PEM file", "key in a store"])
def test_an_unregistered_certificate_is_refused(runner: Runner, entra: Emulator, folder: Path, form: str) -> None:
    """700027 reaches the caller with the command that registers the certificate, after one more try."""
    app = client(runner, entra, FORMS[form](folder))
    with pytest.raises(CredentialRejected, match="AADSTS700027") as caught:
        runner.run(lambda: app.get_token("graph"))
    assert "az ad app credential" in caught.value.remedy
    assert [request.aadsts for request in entra.token_requests] == [700027, 700027]


def test_a_certificate_that_was_just_added_is_retried(
    runner: Runner, token_service: TokenService, folder: Path
) -> None:
    """A server that does not know the new certificate yet is asked a second time, with a new assertion."""
    token_service.script = [refusal(700027), token_reply()]
    app = runner.client(TENANT, CLIENT_ID, ClientCertificate(folder / "app.pem"), token_service.url)
    assert runner.run(lambda: app.get_token("graph")).token == "token-1"
    first, second = (request.form["client_assertion"] for request in token_service.requests)
    assert first != second


def test_an_expired_assertion_is_signed_again(runner: Runner, token_service: TokenService, folder: Path) -> None:
    """700024 leads to one new assertion at once; a second 700024 is the caller's to know."""
    token_service.script = [refusal(700024), token_reply(), refusal(700024)]
    app = runner.client(TENANT, CLIENT_ID, ClientCertificate(folder / "app.pem"), token_service.url)
    began = time.monotonic()
    assert runner.run(lambda: app.get_token("graph")).token == "token-1"
    assert time.monotonic() - began < 10
    with pytest.raises(CredentialRejected, match="700024"):
        runner.run(lambda: app.get_token("arm"))
    assert len(token_service.requests) == 4


@pytest.mark.parametrize(("algorithm", "thumbprint"), [("PS256", "x5t#S256"), ("RS256", "x5t")])
def test_a_foreign_verifier_accepts_our_assertion(
    runner: Runner, token_service: TokenService, folder: Path, algorithm: Any, thumbprint: str
) -> None:
    """PyJWT verifies signature, audience, issuer and times with the certificate's public key alone."""
    credential = ClientCertificate(folder / "app.pem", algorithm=algorithm)
    app = runner.client(TENANT, CLIENT_ID, credential, token_service.url)
    runner.run(lambda: app.get_token("graph"))
    form = token_service.requests[0].form
    assert form["client_assertion_type"] == TYPE
    claims = jwt.decode(
        form["client_assertion"],
        APP.public_pem(),
        algorithms=[algorithm],
        audience=f"{token_service.url}/{TENANT}/oauth2/v2.0/token",
        issuer=CLIENT_ID,
        options={"require": ["exp", "nbf", "iat", "jti", "sub"]},
    )
    assert claims["sub"] == CLIENT_ID
    assert claims["exp"] - claims["iat"] == 600
    assert set(jwt.get_unverified_header(form["client_assertion"])) == {"alg", "typ", thumbprint}


def test_an_assertion_is_reused_at_entra_only(runner: Runner, token_service: TokenService, folder: Path) -> None:
    """Entra gets one assertion for several tokens of a tenant; another server a new one each time (RFC 7523)."""
    credential = ClientCertificate(folder / "app.pem")
    app = runner.client(TENANT, CLIENT_ID, credential, token_service.url)
    runner.run(lambda: app.get_token("graph"))
    runner.run(lambda: app.get_token("arm"))
    runner.run(lambda: app.get_token("graph", tenant_id="fabrikam.com"))
    same, again, other = (request.form["client_assertion"] for request in token_service.requests)
    assert same == again != other
    elsewhere = runner.client("", CLIENT_ID, credential, Authority.oauth(f"{token_service.url}/token"))
    runner.run(lambda: elsewhere.get_token("a"))
    runner.run(lambda: elsewhere.get_token("b"))
    assert len({request.form["client_assertion"] for request in token_service.requests}) == 4


def test_a_renewed_file_is_loaded(runner: Runner, entra: Emulator, folder: Path) -> None:
    """A certificate exchanged on disk serves from the next assertion on, without a new client."""
    register(entra, APP)
    app = client(runner, entra, ClientCertificate(folder / "app.pem"))
    runner.run(lambda: app.get_token("graph"))
    entra.state.default_app.certificates.clear()
    register(entra, identity(2))
    (folder / "app.pem").write_bytes(identity(2).pem())
    assert runner.run(lambda: app.get_token("arm")).token
    assert [request.aadsts for request in entra.token_requests] == [None, 700027, None]


def test_subject_name_and_issuer(runner: Runner, entra: Emulator, tmp_path: Path) -> None:
    """With `send_chain` an application that trusts a subject and an authority needs no registered certificate."""
    one = issued(3)
    assert one.authority
    entra.state.default_app.trusted_subjects = [
        TrustedSubject("CN=app.contoso.example", one.authority.public_bytes(Encoding.PEM).decode())
    ]
    path = tmp_path / "app.pfx"
    path.write_bytes(one.pfx(PASSWORD))
    app = client(runner, entra, ClientCertificate(path, password=PASSWORD, send_chain=True))
    assert runner.run(lambda: app.get_token("graph")).token
    without = client(runner, entra, ClientCertificate(path, password=PASSWORD))
    with pytest.raises(CredentialRejected, match="700027"):
        runner.run(lambda: without.get_token("graph"))


def test_an_expired_certificate_is_refused_before_any_request(runner: Runner, token_service: TokenService) -> None:
    """What Entra would refuse anyway is said at once, with the command for a new certificate."""
    credential = ClientCertificate(data=identity(1, expired=True).pem())
    app = runner.client(TENANT, CLIENT_ID, credential, token_service.url)
    with pytest.raises(UsageError, match=r"expired on \d{4}-") as caught:
        runner.run(lambda: app.get_token("graph"))
    assert "az ad app credential reset" in caught.value.remedy
    assert token_service.requests == []


def other_key(data: bytes, algorithm: str) -> bytes:
    signature: bytes = store(identity(2).key)(data, algorithm)
    return signature


def junk(data: bytes, algorithm: str) -> bytes:
    return b"signed"


def no_signature(data: bytes, algorithm: str) -> Any:
    return None


@pytest.mark.parametrize("sign", [other_key, no_signature, junk])
def test_a_wrong_signature_is_refused_before_any_request(
    runner: Runner, token_service: TokenService, sign: Any
) -> None:
    """A store that signs with another key, or with nothing, is found out here."""
    app = runner.client(TENANT, CLIENT_ID, ClientKey(sign, APP.certificate_pem()), token_service.url)
    with pytest.raises(UsageError, match="does not match its certificate"):
        runner.run(lambda: app.get_token("graph"))
    assert token_service.requests == []


def test_a_key_of_an_unknown_type_is_refused(runner: Runner, token_service: TokenService) -> None:
    """The certificate can be read, its key cannot: an error of ours, and nothing is sent."""
    app = runner.client(
        TENANT, CLIENT_ID, ClientKey(store(APP.key), with_unknown_key(APP.certificate)), token_service.url
    )
    with pytest.raises(UsageError, match="certificate"):
        runner.run(lambda: app.get_token("graph"))
    assert token_service.requests == []


def test_signing_may_be_async_under_asyncio(runner: Runner, token_service: TokenService) -> None:
    """An async `sign` works with AsyncClient; Client says that it cannot wait for it."""

    async def sign(data: bytes, algorithm: str) -> bytes:
        signature: bytes = store(APP.key)(data, algorithm)
        return signature

    app = runner.client(TENANT, CLIENT_ID, ClientKey(sign, APP.certificate_pem()), token_service.url)
    if runner.__class__.__name__ == "AsyncioRunner":
        assert runner.run(lambda: app.get_token("graph")).token == "token-1"
    else:
        with pytest.raises(UsageError, match="async"):
            runner.run(lambda: app.get_token("graph"))


def test_the_repr_shows_no_part_of_a_key(runner: Runner, token_service: TokenService, folder: Path) -> None:
    """Neither credential nor client nor what was loaded shows key, password or assertion."""
    credential = ClientCertificate(folder / "app.pfx", password=PASSWORD)
    app = runner.client(TENANT, CLIENT_ID, credential, token_service.url)
    runner.run(lambda: app.get_token("graph"))
    shown = repr([credential, app, credential.cache, credential.cache.signer, ClientCertificate(data=APP.pem())])
    assert PASSWORD not in shown
    assert "PRIVATE" not in shown
    assert token_service.requests[0].form["client_assertion"] not in shown


def test_a_certificate_can_be_sent_to_another_process(folder: Path) -> None:
    """A used credential is pickled without its key, and loads it anew."""
    credential = ClientCertificate(folder / "app.pem")
    credential.signer()
    twin = pickle.loads(pickle.dumps(credential))  # noqa: S301 - our own bytes
    assert twin == credential
    assert twin.cache.signer is None
    assert twin.signer().chain == credential.signer().chain

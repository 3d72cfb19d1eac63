"""Loading certificates and keys: every form that is right, and a clear word for every one that is not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.certificates import PASSWORD, identity, issued

from mstoken import ClientCertificate, ClientKey, UsageError
from mstoken.keys.certificate import load, signer_with_external_key
from mstoken.keys.signer import Signer

APP = identity(0)
DER = APP.certificate.public_bytes(Encoding.DER)
OLD_PEM = APP.key_pem(PASSWORD, PrivateFormat.TraditionalOpenSSL) + APP.certificate_pem()


@pytest.mark.parametrize(
    "content",
    [
        APP.pem(),
        APP.certificate_pem() + APP.key_pem(),
        b"Bag Attributes\r\n    friendlyName: app\r\n" + APP.pem().replace(b"\n", b"\r\n"),
        issued(0).authority.public_bytes(Encoding.PEM) + APP.pem(),  # type: ignore[union-attr]
        APP.key_pem(form=PrivateFormat.TraditionalOpenSSL) + APP.certificate_pem(),
        APP.pfx(),
    ],
    ids=["key first", "certificate first", "bag attributes, CR LF", "a stranger first", "PKCS#1", "PFX"],
)
def test_the_keys_certificate_is_found(content: bytes) -> None:
    """Whatever the order and dress, the certificate of the key is the first of the chain."""
    signer = load([content], "", "PS256", "app.pem")
    assert signer.chain[0] == DER
    assert signer.expires_on == APP.certificate.not_valid_after_utc.timestamp()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_pem_with_a_byte_order_mark_is_read(encoding: str) -> None:
    """Windows PowerShell's `>` writes UTF-16, Notepad a mark; one file, two files, and a certificate beside a store."""
    marked = [part.decode().encode(encoding) for part in (APP.pem(), APP.key_pem(), APP.certificate_pem())]
    for contents in (marked[:1], marked[1:], [APP.key_pem(), marked[2]]):
        assert load(contents, "", "PS256", "app.pem").chain[0] == DER
    assert signer_with_external_key(marked[2], unused, "PS256").chain[0] == DER


def test_a_chain_keeps_its_order() -> None:
    """The authority's certificate follows the key's own, from PEM and from PFX."""
    one = issued(3)
    assert one.authority
    both = tuple(each.public_bytes(Encoding.DER) for each in (one.certificate, one.authority))
    assert load([one.pem()], "", "PS256", "x").chain == both
    assert load([one.pfx(PASSWORD)], PASSWORD, "PS256", "x").chain == both


@pytest.mark.parametrize(
    ("content", "password", "word"),
    [
        (APP.pfx(PASSWORD), "", "password is needed"),
        (APP.pfx(PASSWORD), "wrong", "password is wrong"),
        (APP.pem(PASSWORD), "", "password is needed"),
        (APP.pem(PASSWORD), "wrong", "password is wrong"),
        (OLD_PEM, "", "password is needed"),
        (OLD_PEM, "wrong", "password is wrong"),
        (APP.certificate_pem(), "", "holds no private key"),
        (DER, "", "certificate without its private key"),
        (b"\x30\x82\x00\x10 no PFX at all", "", "not a readable PFX file"),
        (APP.key_pem(), "", "holds a key and no certificate"),
        (APP.key_pem() + identity(2).certificate_pem(), "", "does not belong to its certificate"),
        (identity(0, elliptic=True).pem(), "", "not RSA"),
        (identity(0, elliptic=True).pfx(), "", "not RSA"),
        (b"hello", "", "holds no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "", "not a readable PEM file"),
        (
            APP.key_pem() + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "",
            "certificate in app.pem is damaged",
        ),
        (APP.pfx(PASSWORD)[:-40], PASSWORD, "password is wrong|not a readable PFX"),
    ],
)
def test_each_unusable_certificate_file_has_its_own_message(content: bytes, password: str, word: str) -> None:
    """Each mistake has its own sentence, with what to do, and shows nothing of the file."""
    with pytest.raises(UsageError, match=word) as caught:
        load([content], password, "PS256", "app.pem")
    assert caught.value.remedy
    assert "app.pem" in caught.value.message
    assert "PRIVATE KEY" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_every_wrong_password_has_the_same_message() -> None:
    """With one in about 256, decryption ends in valid padding, and the library calls the key malformed."""
    for number in range(1500):
        with pytest.raises(UsageError, match="password is wrong"):
            load([OLD_PEM], f"wrong {number}", "PS256", "app.pem")


def test_a_password_that_is_not_needed_does_no_harm() -> None:
    """AZURE_CLIENT_CERTIFICATE_PASSWORD may be set while the PEM file is open."""
    assert load([APP.pem()], "not needed", "PS256", "x").chain[0] == DER


@pytest.mark.parametrize(("path", "word"), [("none.pem", "No such file"), (".", "Is a directory"), ("empty", "empty")])
def test_an_unreadable_file_is_an_error(tmp_path: Path, path: str, word: str) -> None:
    """The path, the system's reason, and the variable that may hold the path."""
    (tmp_path / "empty").touch()
    with pytest.raises(UsageError, match=word):
        ClientCertificate(tmp_path / path).signer()


def test_a_file_is_loaded_once(tmp_path: Path) -> None:
    """The same signer serves until the file changes."""
    path = tmp_path / "app.pem"
    path.write_bytes(APP.pem())
    credential = ClientCertificate(path)
    assert credential.signer() is credential.signer()
    path.write_bytes(identity(2).pem())
    assert credential.signer().chain[0] != DER


@pytest.mark.parametrize("made", [{}, {"path": "a", "data": b"b"}, {"path": "a", "algorithm": "ES256"}])
def test_an_incomplete_client_certificate_is_a_usage_error(made: dict[str, str]) -> None:
    """Neither path nor data, both, or an algorithm that is none is refused when the value is made."""
    with pytest.raises(UsageError):
        ClientCertificate(**made)  # type: ignore[arg-type]


def unused(data: bytes, algorithm: str) -> bytes:
    raise AssertionError("nothing is signed here")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x30\x03abc", APP.key_pem()])
def test_the_certificate_of_an_external_key_is_validated(content: bytes) -> None:
    """What is given as the certificate of a key elsewhere is checked when it is needed."""
    with pytest.raises(UsageError, match="certificate of the key"):
        ClientKey(unused, content).signer()


KINDS = [APP.pem(), APP.pfx(PASSWORD), APP.pem(PASSWORD), DER]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Bytes of any kind, or a good file with a few of its bytes changed, cut or doubled."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=300) | st.binary(max_size=300).map(lambda rest: b"\x30\x82" + rest))
    content = bytearray(draw(st.sampled_from(KINDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content) - 1))
        content[at : at + draw(st.integers(0, 40))] = draw(st.binary(max_size=8))
        if not content:
            return b""
    return bytes(content)


@given(damaged(), st.sampled_from(["", PASSWORD, "\x00\ud7ff"]))
@settings(max_examples=60, deadline=None)
def test_no_bytes_break_the_loader(content: bytes, password: str) -> None:
    """Whatever a file holds, the answer is a signer or a UsageError, and nothing else."""
    with suppress(UsageError):
        assert isinstance(load([content], password, "PS256", "x"), Signer)
    with suppress(UsageError):
        assert isinstance(signer_with_external_key(content, unused, "PS256"), Signer)

"""Keys that never leave a PKCS#11 token: SoftHSM, as a real module in this process."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.certificates import identity
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService

from entra_emulator import Emulator
from entra_emulator.model import Certificate
from mstoken import ClientKey, CredentialRejected, UsageError
from mstoken.keys.pkcs11 import Pkcs11Key
from mstoken.values import replace

pkcs11 = pytest.importorskip("pkcs11")
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib/libsofthsm2.so")
MODULE = next((path for path in MODULES if Path(path).exists()), "")
PIN = "4711"
APP = identity(0)

pytestmark = pytest.mark.skipif(
    not MODULE or not shutil.which("softhsm2-util"), reason="needs SoftHSM: apt-get install softhsm2"
)


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pkcs11Key]:
    """A token of SoftHSM with the application's key and certificate. The module reads its settings once a process."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    (folder / "key.pem").write_bytes(APP.key_pem())
    tool = ["softhsm2-util", "--token", "apps", "--pin", PIN]
    for arguments in (
        ["softhsm2-util", "--init-token", "--free", "--label", "apps", "--pin", PIN, "--so-pin", PIN],
        [*tool, "--import", str(folder / "key.pem"), "--label", "orders", "--id", "a1b2"],
    ):
        subprocess.run(arguments, check=True, capture_output=True)
    with pkcs11.lib(MODULE).get_token(token_label="apps").open(user_pin=PIN, rw=True) as session:
        session.create_object(
            {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                pkcs11.Attribute.TOKEN: True,
                pkcs11.Attribute.LABEL: "orders",
                pkcs11.Attribute.ID: bytes.fromhex("a1b2"),
                pkcs11.Attribute.SUBJECT: APP.certificate.subject.public_bytes(),
                pkcs11.Attribute.VALUE: APP.certificate.public_bytes(Encoding.DER),
            }
        )
    yield Pkcs11Key(MODULE, "apps", "orders", pin=PIN)
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def _client(runner: Runner, entra: Emulator, key: ClientKey) -> Any:
    return runner.client(entra.state.default_tenant.id, entra.state.default_app.id, key, entra.authority)


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
@pytest.mark.parametrize("named", [{}, {"label": "", "id": "a1b2"}, {"id": "A1B2"}])
def test_a_key_in_a_token_gets_tokens(
    runner: Runner, entra: Emulator, hsm: Pkcs11Key, algorithm: Any, named: dict[str, str]
) -> None:
    """SoftHSM signs, by label or by id, and the emulator accepts it; the certificate comes from the token too."""
    key = replace(hsm, **named)
    entra.state.default_app.certificates = [Certificate(APP.certificate_pem().decode())]
    client = _client(runner, entra, ClientKey(key, key.certificate, algorithm=algorithm))
    assert runner.run(lambda: client.get_token("graph")).token


def test_a_key_that_entra_does_not_know_is_refused(runner: Runner, entra: Emulator, hsm: Pkcs11Key) -> None:
    """The token signs well; its certificate is not the application's, or is no more."""
    entra.state.default_app.certificates = [Certificate(identity(1).certificate_pem().decode())]
    client = _client(runner, entra, ClientKey(hsm, hsm.certificate))
    use_fake_clock(client)
    with pytest.raises(CredentialRejected) as caught:
        runner.run(lambda: client.get_token("graph"))
    assert caught.value.codes == (700027,)


def test_many_threads_share_a_token(hsm: Pkcs11Key) -> None:
    """Signatures asked for at once are all made: the module's one login is not fought over."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda number: hsm(str(number).encode(), "RS256"), range(64)))
    assert len(set(made)) == 64


@pytest.mark.parametrize(
    ("changed", "said", "remedy"),
    [
        ({"pin": "0000"}, "PinIncorrect", "Correct the PIN"),
        ({"pin": ""}, "no private key called orders", "pkcs11-tool"),
        ({"label": "nobody"}, "no private key called nobody", "pkcs11-tool"),
        ({"token": "nobody"}, "NoSuchToken", "token's label"),
        ({"module": "/nowhere.so"}, "failed with", "module's path"),
        ({"id": "xyz"}, "not hexadecimal", "a1b2"),
    ],
)
def test_an_error_of_the_pkcs11_token_is_explained(
    runner: Runner, token_service: TokenService, hsm: Pkcs11Key, changed: dict[str, str], said: str, remedy: str
) -> None:
    """A wrong PIN, name, token or module is a usage error that says so, before the network, without the PIN."""
    credential = ClientKey(replace(hsm, **changed), APP.certificate_pem())
    client = runner.client(TENANT, CLIENT_ID, credential, token_service.url)
    with pytest.raises(UsageError, match=said) as caught:
        runner.run(lambda: client.get_token("graph"))
    assert remedy in caught.value.remedy
    assert PIN not in str(caught.value)
    assert token_service.requests == []


def test_the_repr_shows_no_pin(hsm: Pkcs11Key) -> None:
    """Neither the key's repr nor the credential's has the PIN."""
    assert PIN not in repr([hsm, ClientKey(hsm, hsm.certificate)])


def test_a_key_without_a_name_is_refused() -> None:
    """A token holds many keys; one has to be named."""
    with pytest.raises(UsageError, match="has no name"):
        Pkcs11Key(MODULE, "apps")

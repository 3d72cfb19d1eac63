"""The emulator as a Python object."""

import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from entra_emulator import Emulator
from entra_emulator.network.certificates import shared_authority
from entra_emulator.tokens.signing_keys import shared_key

Get = Callable[..., httpx.Response]


def test_a_new_emulator_starts_faster_than_a_key_is_generated() -> None:
    """Once the process has its keys, a fresh emulator costs less CPU than one RSA key takes to make (best of five)."""
    shared_key()
    shared_authority()

    def cost(act: Callable[[], object]) -> float:
        begun = time.process_time()
        act()
        return time.process_time() - begun

    def start() -> None:
        with Emulator():
            pass

    starts = [cost(start) for _ in range(5)]
    keys = [cost(lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)) for _ in range(5)]
    assert min(starts) < median(keys)


def test_managed_identity_code_is_loaded_on_first_use() -> None:
    """An emulator starts without the endpoints of managed identity, which few tests need."""
    code = "import sys; from entra_emulator import Emulator\nwith Emulator(): print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "entra_emulator.emulator" in loaded
    assert not [name for name in loaded if name.startswith("entra_emulator.managed_identity")]


def test_two_emulators_run_side_by_side(entra: Emulator) -> None:
    """Two emulators in one process have their own ports and state."""
    with Emulator() as other:
        assert entra.authority != other.authority
        other.state.default_tenant.name = "Changed"
        assert entra.state.default_tenant.name != "Changed"


def test_nothing_is_left_behind() -> None:
    """After the block the port is closed and the temporary folder is gone."""
    with Emulator() as entra:
        authority, folder = entra.authority, entra.ca_file.parent
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(authority, trust_env=False, verify=ssl.create_default_context())


def test_stopping_does_not_wait_for_open_connections() -> None:
    """An idle kept-alive connection does not hold the end up."""
    with Emulator() as entra:
        trust = ssl.create_default_context(cafile=str(entra.ca_file))
        client = httpx.Client(verify=trust, trust_env=False)
        client.get(f"{entra.authority}/common/discovery/v2.0/keys")
        begun = time.perf_counter()
    assert time.perf_counter() - begun < 5
    client.close()


def test_port_can_be_chosen(entra: Emulator) -> None:
    """A given port is used; one that is taken is an OSError."""
    port = int(entra.authority.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), Emulator(port=port):
        pass


@pytest.mark.parametrize("name", ["authority", "proxy", "ca_file", "requests"])
def test_an_emulator_that_is_not_started_is_an_error(name: str) -> None:
    """Before the with block there is no address; the error says what to do."""
    with pytest.raises(RuntimeError, match="with statement"):
        getattr(Emulator(), name)


def test_requests_are_logged_without_secrets(entra: Emulator, ask: Get) -> None:
    """The log has what was asked and answered, the form's field names, and no secret."""
    secret = entra.state.default_app.secrets[0].value
    ask(grant_type="client_credentials", scope="https://graph.microsoft.com/.default")
    ask(grant_type="refresh_token", refresh_token="my-refresh-token", client_secret="my-wrong-secret")
    good, bad = entra.token_requests
    assert (good.status, good.aadsts, good.grant_type) == (200, None, "client_credentials")
    assert (good.scope, good.tenant) == ("https://graph.microsoft.com/.default", entra.state.default_tenant.id)
    assert (bad.status, bad.aadsts, bad.client_id) == (401, 7000215, entra.state.default_app.id)
    assert "client_secret" in bad.form
    for word in (secret, "my-refresh-token", "my-wrong-secret"):
        assert word not in repr(entra.requests)


def test_api_calls_are_logged_with_their_caller(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """Calls of the APIs are in the log with service, status and calling application, and are no token requests."""
    token = app_token().json()["access_token"]
    http.get(f"{entra.api('graph')}/users", headers={"Authorization": f"Bearer {token}"})
    last = entra.requests[-1]
    assert (last.service, last.status, last.client_id) == ("graph", 200, entra.state.default_app.id)
    assert len(entra.token_requests) == 1
    assert token not in repr(entra.requests)


def test_sign_in_needs_known_names(entra: Emulator) -> None:
    """Signing in an unknown user, or to an unknown application, is a LookupError."""
    with pytest.raises(LookupError, match="nobody"):
        entra.sign_in("nobody")
    with pytest.raises(LookupError, match="nothing"):
        entra.sign_in("otto@northwind-partner.example", "nothing")


def test_the_environment_points_to_the_emulator(entra: Emulator) -> None:
    """The environment names authority, identity, proxy, authority file and private folders that exist."""
    names = entra.environment()
    assert names["AZURE_AUTHORITY_HOST"] == entra.authority
    assert names["AZURE_CLIENT_SECRET"] == entra.state.default_app.secrets[0].value
    assert names["HTTPS_PROXY"] == names["https_proxy"] == entra.proxy
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"):
        assert Path(names[name]).read_bytes() == entra.ca_file.read_bytes()
    for name in ("MSTOKEN_CACHE_DIR", "MSTOKEN_CONFIG_DIR"):
        assert list(Path(names[name]).iterdir()) == []


def test_the_log_keeps_the_last_requests(entra: Emulator, ask: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    """An emulator that runs for days does not fill the memory; what a test looks for after its last look is there."""
    monkeypatch.setattr(type(entra.requests), "MOST", 10)
    for number in range(25):
        ask(scope=f"scope-{number}")
        assert [one.scope for one in entra.requests.after(number)] == [f"scope-{number}"]
    assert entra.requests.total == 25
    assert 10 <= len(entra.requests) <= 11
    assert [one.scope for one in entra.requests][-2:] == ["scope-23", "scope-24"]
    assert entra.requests.after(0) == list(entra.requests)
    entra.requests.clear()
    assert (entra.requests.total, entra.requests.after(0)) == (0, [])

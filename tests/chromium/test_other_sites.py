"""Pages of other sites in the same browser: they cannot drive the emulator, whoever is signed in to its dashboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send
from tests.support.chromium import Chromium

from entra_emulator import Emulator
from entra_emulator.network.certificates import shared_authority
from entra_emulator.network.server import ServerThread, bind

TRIES = """<!DOCTYPE html><title>Elsewhere</title><h1>Elsewhere</h1>
<form id="form" method="post" action="ADMIN/faults"><input name="code" value="50076"><button>Send</button></form>
<script>
const fault = {method: "POST", mode: "no-cors", credentials: "include", body: "{\\"code\\": 50076}"};
const asked = [
  fetch("ADMIN/api/faults", {...fault, headers: {"Content-Type": "text/plain"}}),
  fetch("ADMIN/faults", {...fault, body: new URLSearchParams({code: "50076"})}),
  fetch("ADMIN/reset", fault),
  fetch("ADMIN/api/state", {credentials: "include"}).then((one) => one.json()).then((one) => window.stolen = one),
  fetch("ADMIN/requests", {credentials: "include"}).then((one) => one.text()).then((one) => window.stolen = one),
];
Promise.allSettled(asked).then(() => { document.querySelector("h1").innerText = "Tried"; });
</script>"""


@pytest.fixture(params=["http://127.0.0.1", "https://localhost"])
def elsewhere(entra: Emulator, request: pytest.FixtureRequest) -> Iterator[str]:
    """Another origin of this machine; to a browser `https://localhost` is even the same site, so it sends cookies."""
    page = TRIES.replace("ADMIN", entra.admin_url).encode()

    async def app(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/html"), (b"content-length", str(len(page)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page})

    sock = bind(0)
    tls = shared_authority() if request.param.startswith("https") else None
    server = ServerThread(app, tls, sock, proxy=False)
    server.start()
    yield f"{request.param}:{sock.getsockname()[1]}"
    server.stop()


def test_other_origins_change_and_read_nothing(entra: Emulator, chromium: Chromium, elsewhere: str) -> None:
    """Forms, fetches with cookies, and reads of another origin are refused; the dashboard goes on working."""
    chromium.visit(f"{entra.admin_url}/?key={entra.admin_key}")
    chromium.sees("Overview")
    entra.state.default_tenant.name = "Changed by the test"
    chromium.visit(elsewhere)
    chromium.sees("Tried")
    assert chromium.driver.execute_script("return window.stolen || null") is None
    chromium.press("Send")
    chromium.waits_for(f"{entra.admin_url}/faults")
    assert "answers no other origin" in chromium.text()
    assert entra.faults == []
    assert entra.state.default_tenant.name == "Changed by the test"
    chromium.visit(f"{entra.admin_url}/faults")
    chromium.sees("Faults")

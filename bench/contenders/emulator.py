"""The local Entra ID as a token service, and the floor under it: the bare loop of RSA signatures."""

from __future__ import annotations

import json
import resource
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from bench.serving import ROOT

_CONNECTIONS = 4
_SIGNED_BYTES = 1000  # about header and claims of a token for Graph


def tokens(count: int) -> dict[str, float]:
    """Client credentials from the emulator over TLS, asked for by another process: tokens a CPU second of its own."""
    from entra_emulator import Emulator

    with Emulator() as entra:
        app = entra.state.default_app
        form = {"client_id": app.id, "client_secret": app.secrets[0].value, "grant_type": "client_credentials"}
        asked: dict[str, object] = {
            "url": f"{entra.authority}/{entra.state.default_tenant.id}/oauth2/v2.0/token",
            "bundle": str(entra.ca_file),
            "form": {**form, "scope": "https://graph.microsoft.com/.default"},
        }
        _ask_for(asked, 50)
        busy = _cpu()
        _ask_for(asked, count)
        return {"tokens_per_s": count / (_cpu() - busy)}


def signatures(count: int) -> dict[str, float]:
    """RS256 with a 2048-bit key and nothing else: signatures a CPU second."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text, pad, digest = b"x" * _SIGNED_BYTES, padding.PKCS1v15(), hashes.SHA256()
    for _ in range(50):
        key.sign(text, pad, digest)
    busy = _cpu()
    for _ in range(count):
        key.sign(text, pad, digest)
    return {"tokens_per_s": count / (_cpu() - busy)}


def ask(url: str, bundle: str, form: dict[str, str], count: int) -> dict[str, float]:
    """Post the form so many times over a few connections. Runs in a process of its own."""
    import httpx

    trust = ssl.create_default_context(cafile=bundle)

    def some(number: int) -> int:
        with httpx.Client(verify=trust, trust_env=False) as client:
            return sum(client.post(url, data=form).status_code == 200 for _ in range(number))

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        got = sum(pool.map(some, [count // _CONNECTIONS] * _CONNECTIONS))
    if got < count - _CONNECTIONS:
        raise RuntimeError(f"the emulator gave {got} tokens of {count}")
    return {"tokens": got}


def _ask_for(asked: dict[str, object], count: int) -> None:
    command = [sys.executable, "-m", "bench.child", f"{__name__}:ask", json.dumps({**asked, "count": count})]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=600)


def _cpu() -> float:
    """CPU seconds of this process; another machine's load does not count, nor does the asking process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

"""The local Entra ID as a token service, and its baseline, a loop of RSA signatures."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from bench.clients.fan_out import cpu_seconds
from bench.parameters import ROOT

_CONNECTIONS = 4
_SIGNED_BYTES = 1000  # about the header and claims of a token for Graph


def tokens(count: int) -> dict[str, float]:
    """Tokens by client credentials over TLS, per CPU second of the emulator; another process requests them."""
    from entra_emulator import Emulator

    with Emulator() as entra:
        app = entra.state.default_app
        form = {"client_id": app.id, "client_secret": app.secrets[0].value, "grant_type": "client_credentials"}
        requested: dict[str, object] = {
            "url": f"{entra.authority}/{entra.state.default_tenant.id}/oauth2/v2.0/token",
            "bundle": str(entra.ca_file),
            "form": {**form, "scope": "https://graph.microsoft.com/.default"},
        }
        _request_tokens(requested, 50)
        cpu = cpu_seconds()
        _request_tokens(requested, count)
        return {"tokens_per_s": count / (cpu_seconds() - cpu)}


def signatures(count: int) -> dict[str, float]:
    """RS256 signatures with a 2048-bit key, per CPU second."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text, pad, digest = b"x" * _SIGNED_BYTES, padding.PKCS1v15(), hashes.SHA256()
    for _ in range(50):
        key.sign(text, pad, digest)
    cpu = cpu_seconds()
    for _ in range(count):
        key.sign(text, pad, digest)
    return {"tokens_per_s": count / (cpu_seconds() - cpu)}


def post_forms(url: str, bundle: str, form: dict[str, str], count: int) -> dict[str, float]:
    """Post the form `count` times over a few connections, in a process of its own."""
    import httpx

    trust = ssl.create_default_context(cafile=bundle)

    def post(number: int) -> int:
        with httpx.Client(verify=trust, trust_env=False) as client:
            return sum(client.post(url, data=form).status_code == 200 for _ in range(number))

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        tokens = sum(pool.map(post, [count // _CONNECTIONS] * _CONNECTIONS))
    if tokens < count - _CONNECTIONS:
        raise RuntimeError(f"the emulator gave {tokens} tokens of {count}")
    return {"tokens": tokens}


def _request_tokens(requested: dict[str, object], count: int) -> None:
    command = [
        sys.executable,
        "-m",
        "bench.child",
        f"{__name__}:post_forms",
        json.dumps({**requested, "count": count}),
    ]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=600)

"""Azure Arc's agent, version 2020-06-01: a client must prove that it can read a protected file."""

import secrets
from pathlib import Path

from starlette.responses import Response

from entra_emulator.model import new_id

from .identity_request import Endpoint, IdentityRequest
from .imds import IDS, by_entra, trouble

_ECHOES = {"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"}


async def answer(identity_request: IdentityRequest) -> Response:
    """Return a challenge to a request without a key, else a token. All but old agents echo the requested identity."""
    if identity_request.header("metadata").lower() != "true":
        return _refuse(identity_request, "invalid_request", "Required metadata header not specified", 400)
    scheme, _, key = identity_request.header("authorization").partition(" ")
    if scheme.lower() != "basic" or not _is_key(identity_request.setting.keys, key):
        path = _new_key(identity_request.setting.keys)
        return identity_request.json(None, 401, ("WWW-Authenticate", f"Basic realm={path}"))
    if identity_request.setting.old_agent:
        identity, reason = identity_request.setting.identities.system, "Identity not found"
    else:
        identity, reason = identity_request.setting.identities.choose(identity_request.parameters, IDS)
    if identity is None:
        return _refuse(identity_request, "invalid_request", reason, 400)
    requested = (
        {} if identity_request.setting.old_agent else {name for name in IDS if name in identity_request.parameters}
    )
    echo = {echoed: getattr(identity, field) for field, echoed in _ECHOES.items() if requested}
    return by_entra(identity_request, identity, **echo)


def _new_key(folder: Path) -> Path:
    path = folder / f"{new_id()}.key"
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path


def _is_key(folder: Path, key: str) -> bool:
    """Return whether the key is valid. Each key is valid once."""
    for path in folder.glob("*.key"):
        if path.is_file() and secrets.compare_digest(path.read_bytes(), key.encode()):
            path.unlink()
            return True
    return False


def _refuse(identity_request: IdentityRequest, error: str, description: str, status: int) -> Response:
    return identity_request.json({"error": error, "error_description": description}, status)


AZURE_ARC = Endpoint(("GET",), "/arc/metadata/identity/oauth2/token", answer, trouble)

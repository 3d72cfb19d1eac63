"""Azure Arc's agent, version 2020-06-01: who asks has to show that it may read a file that only some may."""

import secrets
from pathlib import Path

from starlette.responses import Response

from entra_emulator.model import new_id

from .asked import Asked, Endpoint
from .imds import IDS, by_entra, trouble

_ECHOES = {"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"}


async def answer(asked: Asked) -> Response:
    """A challenge to whoever shows no key, else a token; the identity asked for is echoed, which old agents do not."""
    if asked.header("metadata").lower() != "true":
        return _refuse(asked, "invalid_request", "Required metadata header not specified", 400)
    scheme, _, key = asked.header("authorization").partition(" ")
    if scheme.lower() != "basic" or not _is_key(asked.setting.keys, key):
        path = _new_key(asked.setting.keys)
        return asked.json(None, 401, ("WWW-Authenticate", f"Basic realm={path}"))
    if asked.setting.old_agent:
        identity, why = asked.setting.identities.system, "Identity not found"
    else:
        identity, why = asked.setting.identities.choose(asked.given, IDS)
    if identity is None:
        return _refuse(asked, "invalid_request", why, 400)
    asked_for = {} if asked.setting.old_agent else {name for name in IDS if name in asked.given}
    echo = {echoed: getattr(identity, field) for field, echoed in _ECHOES.items() if asked_for}
    return by_entra(asked, identity, **echo)


def _new_key(folder: Path) -> Path:
    path = folder / f"{new_id()}.key"
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(48), encoding="ascii")
    return path


def _is_key(folder: Path, key: str) -> bool:
    """Each key is good once."""
    for path in folder.glob("*.key"):
        if path.is_file() and secrets.compare_digest(path.read_bytes(), key.encode()):
            path.unlink()
            return True
    return False


def _refuse(asked: Asked, error: str, description: str, status: int) -> Response:
    return asked.json({"error": error, "error_description": description}, status)


AZURE_ARC = Endpoint("GET", "/arc/metadata/identity/oauth2/token", answer, trouble)

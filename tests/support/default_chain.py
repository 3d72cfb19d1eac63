"""Environments and profiles for the default chain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.runners import Runner

from entra_emulator import Emulator
from mstoken.config.chain import default_settings
from mstoken.protocol.jwt import decode


def client_secret_environment(entra: Emulator) -> dict[str, str]:
    """Return the environment with the default application's identity."""
    app = entra.state.default_app
    return {
        "AZURE_TENANT_ID": entra.state.default_tenant.id,
        "AZURE_CLIENT_ID": app.id,
        "AZURE_CLIENT_SECRET": app.secrets[0].value,
    }


def write_profile(entra: Emulator, folder: Path, value: str) -> None:
    """Write the default profile: a user's sign-in, whose refresh token is in a file."""
    (folder / "refresh").write_text(value)
    path = folder / "config.toml"
    path.write_text(
        "[profile.default]\n"
        f'tenant = "{entra.state.default_tenant.id}"\n'
        f'client_id = "{entra.state.default_app.id}"\n'
        f'client_secret = "file:{folder}/secret"\n'
        f'refresh_token = "file:{folder}/refresh"\n'
    )
    (folder / "secret").write_text(entra.state.default_app.secrets[0].value)
    for file in (path, folder / "refresh", folder / "secret"):
        file.chmod(0o600)


def client_from_environment(runner: Runner, environ: Mapping[str, str]) -> Any:
    """Return the default client for an environment."""
    return runner.client_class.from_settings(default_settings(environ=environ))


def token_claims(runner: Runner, client: Any, *scopes: str) -> dict[str, Any]:
    """Return the claims of the client's token, for Graph if no scope is given."""
    return decode(runner.run(lambda: client.get_token(*(scopes or ("graph",)))).token).claims

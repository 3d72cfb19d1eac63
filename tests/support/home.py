"""A user's configuration folder and environment, apart from this machine's user."""

from __future__ import annotations

from pathlib import Path

from mstoken.config.resolving import resolve_settings
from mstoken.config.settings import Settings


class Home:
    """A configuration folder and an environment that leads to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "config.toml"
        self.environ = {"MSTOKEN_CONFIG_DIR": str(folder), "HOME": str(folder)}

    def write(self, text: str, mode: int = 0o600) -> None:
        self.file.write_text(text, encoding="utf-8")
        self.file.chmod(mode)

    def settings(self, flags: dict[str, str] | None = None, **environ: str) -> Settings:
        return resolve_settings(flags or {}, {**self.environ, **environ})

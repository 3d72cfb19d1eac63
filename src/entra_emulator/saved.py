"""An emulator's whole state as JSON: its configuration, and the changes since the start."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .clock import Clock
from .config import Config, ConfigError, text_of
from .config import load as load_config
from .refresh_tokens import RefreshTokens
from .state import State
from .tokens.keys import KeyRing
from .tokens.signing_keys import SigningKey

_BESIDE = ("refresh_tokens", "keys", "next_key", "consumer_key", "clock_offset_in")


@dataclass(frozen=True)
class Start:
    """The initial state of an emulator. `keys` is None for the keys that all emulators of the process share."""

    state: State
    keys: KeyRing | None = None
    offset_in: float = 0.0


def snapshot(state: State, keys: KeyRing, clock: Clock) -> dict[str, Any]:
    """Return the whole state as plain values."""
    return {
        "settings": asdict(state.settings),
        "tenants": [plain(tenant) for tenant in state.tenants.values()],
        "apps": [plain(app) for app in state.apps.values()],
        "faults": [plain(fault) for fault in state.faults],
        "throttles": [plain(throttle) for throttle in state.throttles],
        "refresh_tokens": state.refresh_tokens.saved(),
        "keys": [key.to_pem() for key in keys.keys],
        **{name: key.to_pem() for name, key in keys.made.items()},
        "clock_offset_in": clock.offset_in,
    }


def load(config: Config) -> Start:
    """Read a configuration: TOML, a mapping, None for the built-in one, or JSON as `write` wrote it.

    :raises ConfigError: it cannot be used.
    """
    table = _table(config)
    if table is None:
        return Start(load_config(config))
    rest = {name: value for name, value in table.items() if name not in _BESIDE}
    state = load_config(rest)
    try:
        if "refresh_tokens" in table:
            state.refresh_tokens = RefreshTokens(**table["refresh_tokens"])
        keys = [SigningKey.from_pem(text) for text in table.get("keys", [])]
        beside = {name: SigningKey.from_pem(table[name]) for name in ("next_key", "consumer_key") if name in table}
        return Start(
            state, KeyRing(*keys, **beside) if keys or beside else None, float(table.get("clock_offset_in", 0.0))
        )
    except (TypeError, ValueError, AttributeError) as problem:
        raise ConfigError(f"saved state: {problem}") from None


def _table(config: Config) -> Mapping[str, Any] | None:
    """Return the values of a saved state; None for any other configuration."""
    if isinstance(config, Mapping):
        return config
    if config is None or Path(config).suffix.lower() != ".json":
        return None
    try:
        table = json.loads(text_of(Path(config)))
    except (OSError, ValueError) as problem:
        raise ConfigError(f"{config}: cannot be read as JSON: {problem}") from None
    if not isinstance(table, dict):
        raise ConfigError(f"{config}: expected a JSON object")
    return table


def write(path: Path, table: Mapping[str, Any]) -> None:
    """Write a snapshot in one step, readable only by its owner."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(table, file, indent=1)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def plain(entry: Any) -> Any:
    """Return an entry of the model as plain values, except empty ones and those that a configuration cannot have."""
    return _without_none(asdict(entry))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(item) for name, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value

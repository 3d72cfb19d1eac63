"""Read the emulator's configuration: TOML in the form of data/defaults.toml, checked key by key."""

import functools
import secrets
import tomllib
import types
import typing
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from .checks import UNREADABLE, ConfigError, check
from .customers import Customers, add_customers
from .faults import Fault
from .model import App, Secret, ServicePrincipal, Settings, Tenant
from .state import State
from .throttling import Throttle

__all__ = ["UNREADABLE", "Config", "ConfigError", "check", "complete", "load", "new_secret", "parse"]

Kind = TypeVar("Kind")
Config = str | Path | Mapping[str, Any] | None


def load(config: Config = None) -> State:
    """Return the state that a configuration describes: a TOML file's path, a mapping of the same form, or None.

    None means the built-in configuration.

    :raises ConfigError: the file is missing, is not TOML, or has a key or value that the emulator does not know.
    """
    source, table = _load(config)
    try:
        return _state(table)
    except ConfigError as problem:
        raise ConfigError(f"{source}: {problem}") from None


def _load(config: Config) -> tuple[str, Mapping[str, Any]]:
    if isinstance(config, Mapping):
        return "configuration", config
    if config is None:
        return "defaults", _defaults()
    try:
        return str(config), tomllib.loads(text_of(Path(config)))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{config}: cannot be read as TOML: {problem}") from None


def text_of(path: Path) -> str:
    """Return the text of a file without a byte order mark. Windows PowerShell writes UTF-16, Notepad may write a mark.

    :raises OSError: it cannot be read.
    :raises UnicodeDecodeError: it is not text.
    """
    content = path.read_bytes()
    return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig").replace("\r\n", "\n")


@functools.cache
def _defaults() -> Mapping[str, Any]:
    """Return the built-in configuration. Callers only copy it."""
    return tomllib.loads(resources.files(__package__).joinpath("data/defaults.toml").read_text(encoding="utf-8"))


def parse(values: object, kind: type[Kind]) -> Kind:
    """Read one entry of a configuration: a table with the fields of one of the model's classes.

    :raises ConfigError: a key or value is invalid.
    """
    made: Kind = _value(values, kind, kind.__name__)
    return made


def _state(table: Mapping[str, Any]) -> State:
    table = _completed(table)
    known = {
        "settings": Settings,
        "tenants": list[Tenant],
        "apps": list[App],
        "faults": list[Fault],
        "throttles": list[Throttle],
        "customers": Customers,
    }
    _refuse_unknown(table, known, "")
    settings: Settings = _value(table.get("settings", {}), Settings, "settings")
    tenants: list[Tenant] = _value(table.get("tenants", []), list[Tenant], "tenants")
    apps: list[App] = _value(table.get("apps", []), list[App], "apps")
    faults: list[Fault] = _value(table.get("faults", []), list[Fault], "faults")
    throttles: list[Throttle] = _value(table.get("throttles", []), list[Throttle], "throttles")
    if not tenants:
        raise ConfigError("there is no tenant; add one with [[tenants]], id and name")
    by_id = {entry.id: entry for entry in tenants}, {entry.id: entry for entry in apps}
    state = State(*by_id, settings, faults, throttles)
    if len(state.tenants) < len(tenants) or len(state.apps) < len(apps):
        raise ConfigError("two tenants or two apps have the same id")
    if "customers" in table:
        try:
            add_customers(state, _value(table["customers"], Customers, "customers"))
        except LookupError as problem:
            raise ConfigError(f"customers: {problem}") from None
    check(state)
    for app in apps:
        complete(state, app)
    for user in state.users:
        user.password = user.password or settings.password
    try:
        _ = state.default_tenant, state.default_user, state.default_customer, state.default_app if apps else None
    except LookupError as problem:
        raise ConfigError(str(problem)) from None
    return state


def _completed(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a configuration of customers alone with the built-in partner, and any other one as it is."""
    if "customers" not in table or "tenants" in table or "apps" in table:
        return table
    built_in = _defaults()
    settings = {**built_in["settings"], **table["settings"]} if isinstance(table.get("settings"), Mapping) else None
    return {**built_in, **table, "settings": settings or table.get("settings", built_in["settings"])}


def complete(state: State, app: App) -> None:
    """Add a service principal in the home tenant, and a random secret if a confidential client has no credential."""
    home = state.tenants[app.tenant]
    if not home.principal(app.id):
        home.principals.append(ServicePrincipal(app=app.id))
    if not (app.public or app.secrets or app.certificates or app.trusted_subjects or app.federated or app.blueprint):
        app.secrets.append(Secret(new_secret()))


def new_secret() -> str:
    """Return a secret in Entra's form: forty characters with the marker "8Q~" at the fourth."""
    return f"{secrets.token_urlsafe(3)[:3]}8Q~{secrets.token_urlsafe(26)[:34]}"


def _value(raw: object, wanted: Any, where: str) -> Any:
    """Check one value and convert it to a field's type: text, number, Boolean, list, or one of the model's classes."""
    if is_dataclass(wanted):
        return _instance(raw, typing.cast("type[Any]", wanted), where)
    if typing.get_origin(wanted) is list:
        if not isinstance(raw, list):
            raise ConfigError(f"{where}: expected a list, got {_kind(raw)}")
        (inner,) = typing.get_args(wanted)
        return [_value(item, inner, f"{where}[{index}]") for index, item in enumerate(raw)]
    if typing.get_origin(wanted) is dict:
        if not isinstance(raw, Mapping):
            raise ConfigError(f"{where}: expected a table, got {_kind(raw)}")
        inner = typing.get_args(wanted)[1]
        return {key: item if inner is Any else _value(item, inner, f"{where}.{key}") for key, item in raw.items()}
    kinds: tuple[type, ...] = typing.get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
    if float in kinds:
        return _number(raw, where)
    if type(raw) not in kinds:
        raise ConfigError(f"{where}: expected {_name(wanted)}, got {_kind(raw)}")
    return raw


def _instance(raw: object, wanted: type[Any], where: str) -> Any:
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{where}: expected a table, got {_kind(raw)}")
    known = _fields(typing.cast("Hashable", wanted))
    _refuse_unknown(raw, known, where)
    values = {key: _value(item, known[key], f"{where}.{key}") for key, item in raw.items()}
    try:
        return wanted(**values)
    except TypeError as problem:
        missing = str(problem).partition("argument")[2].lstrip("s: ")
        raise ConfigError(f"{where}: missing {missing}") from None
    except ValueError as problem:  # raised by the class for inconsistent values
        raise ConfigError(f"{where}: {problem}") from None


@functools.cache
def _fields(wanted: Hashable) -> dict[str, Any]:
    """Return the fields of one of the model's classes with their types. Cached, because the lookup is slow."""
    kind = typing.cast("type[Any]", wanted)
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _refuse_unknown(raw: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    for key in raw:
        if key not in known:
            path = f"{where}.{key}" if where else key
            raise ConfigError(f"{path}: unknown key; known here: {', '.join(sorted(known))}")


def _number(raw: object, where: str) -> float | None:
    """Return a time in epoch seconds, from a number or a TOML date or date-time (UTC if it has no offset)."""
    if isinstance(raw, datetime):
        return (raw if raw.tzinfo else raw.replace(tzinfo=UTC)).timestamp()
    if isinstance(raw, date):
        return datetime.combine(raw, time(), UTC).timestamp()
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return float(raw)
    raise ConfigError(f"{where}: expected a date or a number of seconds, got {_kind(raw)}")


def _kind(raw: object) -> str:
    # The value itself is not shown: it may be a secret in the wrong place.
    return "nothing" if raw is None else _name(type(raw))


def _name(kind: Any) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", dict: "a table", list: "a list"}
    return names.get(kind, getattr(kind, "__name__", str(kind)))

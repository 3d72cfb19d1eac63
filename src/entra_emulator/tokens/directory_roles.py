"""Directory roles: their names and template ids, from data/roles.toml."""

import functools
import tomllib
from importlib import resources


@functools.cache
def role_templates() -> dict[str, str]:
    """Directory roles by name in lower case, with their template ids."""
    return {name.lower(): template for name, template in directory_roles().items()}


@functools.cache
def directory_roles() -> dict[str, str]:
    """Template ids of the directory roles by name, as data/roles.toml lists them."""
    return tomllib.loads(resources.files("entra_emulator").joinpath("data/roles.toml").read_text(encoding="utf-8"))


def role_ids(roles: list[str]) -> list[str]:
    """Return the template ids of directory roles; a text that is not a known name is used as an id."""
    return [role_templates().get(role.lower(), role) for role in roles]


def role_name(template: str) -> str:
    """Return the name of a directory role by its template id; empty for one that is not known."""
    return next((name for name, known in directory_roles().items() if known == template.lower()), "")

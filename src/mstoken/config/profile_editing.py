"""Read and change the settings of profiles one by one, checked before anything is written (`mstoken config`)."""

from __future__ import annotations

from mstoken.config import profiles, proofs
from mstoken.config.environment import SECRETS
from mstoken.config.folder import config_file
from mstoken.config.profile_writing import check_name, write_profile
from mstoken.config.secret_references import FORMS, is_reference
from mstoken.errors import UsageError
from mstoken.hidden import ENVIRON
from mstoken.redaction import shown
from mstoken.texts import closest_match, did_you_mean
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS = (*profiles.TEXTS, *profiles.SWITCHES)
"""Every setting of a profile."""


def settings_of(name: str, environ: Mapping[str, str] = ENVIRON) -> dict[str, Any]:
    """Return the settings of the profile `name` as in the file, unchecked, so that invalid ones can be corrected.

    Raises UsageError for a profile that does not exist.
    """
    table = profiles.tables(environ).get(name)
    if table is None:
        profiles.load(name, environ)  # its error names the profiles that exist
    return dict(table or {})


def set_setting(name: str, setting: str, text: str, environ: Mapping[str, str] = ENVIRON) -> None:
    """Set one setting of the profile `name`, which is created if necessary.

    Raises UsageError, which does not repeat a secret, for an unknown setting or an invalid value; what `write_profile`
    raises.
    """
    check_name(name)
    _check_setting(setting)
    value = _value(setting, text)
    table = profiles.tables(environ).get(name, {})
    where = f"[profile.{name}] in {config_file(environ)}"
    profiles.check_table({**table, setting: value}, where)
    write_profile(name, {setting: value}, environ=environ)


def unset_setting(name: str, setting: str, environ: Mapping[str, str] = ENVIRON) -> None:
    """Remove one setting from the profile `name`.

    Raises UsageError if it does not have the setting, or if another one of it needs this one.
    """
    _check_setting(setting)
    table = settings_of(name, environ)
    if setting not in table:
        raise UsageError(
            f"The profile {name} does not set {setting}.", f"See what it sets: mstoken config list --profile {name}"
        )
    rest = {other: value for other, value in table.items() if other != setting}
    profiles.check_table(rest, f"[profile.{name}] in {config_file(environ)}")
    write_profile(name, {}, without={setting}, environ=environ)


def _check_setting(setting: str) -> None:
    if setting not in SETTINGS:
        raise UsageError(
            f"There is no setting {shown(setting)!r}.",
            f"{did_you_mean(closest_match(setting, SETTINGS))}The settings are {', '.join(SETTINGS)}.",
        )


def _value(setting: str, text: str) -> str | bool:
    """Return the value to write. Raises UsageError."""
    text = text.strip()
    if setting in profiles.SWITCHES:
        if not text or text.lower() not in proofs.SWITCH:
            raise UsageError(f"{setting} is either true or false, not {shown(text)!r}.", f"Write {setting} true")
        return proofs.SWITCH[text.lower()]
    if not text:
        raise UsageError(f"The value of {setting} is empty.", f"To remove it: mstoken config unset {setting}")
    if setting in SECRETS and not is_reference(text):
        raise UsageError(
            f"{setting} takes a reference to the secret, not the secret itself; nothing was written.",
            f"Write where the secret is: {FORMS}. If it was the secret, make a new one: other users and the shell "
            "history can see a command line.",
        )
    _check_value(setting, text)
    return text


def _check_value(setting: str, text: str) -> None:
    """Refuse a value that no profile could use, as far as the setting alone tells. Raises UsageError."""
    from mstoken import clouds
    from mstoken.authority import Authority

    match setting:
        case "tenant":
            Authority.of(clouds.PUBLIC.authority_host, text)
        case "authority":
            Authority.without_tenant(text)
        case "token_endpoint":
            Authority.oauth(text)
        case "cloud":
            clouds.cloud(text)
        case "managed_identity":
            proofs.machine(text)
        case "developer_tool":
            proofs.developer_tool(text, "")
        case _:
            pass

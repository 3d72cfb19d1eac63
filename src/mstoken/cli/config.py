"""`mstoken config`: read and change profiles without an editor."""

from __future__ import annotations

import click

from mstoken.cli import output
from mstoken.cli.command import Command, debug_option, form_option
from mstoken.cli.completion import complete_profile
from mstoken.hidden import ENVIRON
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _complete_setting(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from mstoken.config.profile_editing import SETTINGS

    return [CompletionItem(name) for name in SETTINGS if name.startswith(incomplete)]


_profile = click.option(
    "--profile", default="", metavar="NAME", shell_complete=complete_profile, help="Profile; `default` if not given."
)
_setting = click.argument("setting", shell_complete=_complete_setting)


@click.group(short_help="Show and change the settings of profiles.")
def config() -> None:
    """Show and change the settings of profiles, which the configuration file holds.

    A profile holds no secret, but a reference to one: env:NAME, file:PATH, keyring:SERVICE/USER or command:CMD ARGS.
    docs/configuration.md explains the settings. Without --profile, the commands use MSTOKEN_PROFILE, else `default`.

    \b
      mstoken config set tenant contoso.onmicrosoft.com --profile work
      mstoken config set client_secret keyring:mstoken/work --profile work
      mstoken config list
    """


config.params.append(debug_option())


@config.command("list", cls=Command, short_help="List the settings of all profiles, or of one.")
@_profile
@form_option("table", "json")
def list_settings(profile: str, form: str) -> None:
    """List the settings of all profiles, or of the one that --profile names. References are shown, secrets never."""
    from mstoken.config import profiles
    from mstoken.config.profile_editing import settings_of

    found = {name: settings_of(name) for name in ([profile] if profile else profiles.names())}
    if form == "json":
        output.write_json(found)
    elif any(found.values()):
        rows = [(name, setting, _shown(value)) for name, table in found.items() for setting, value in table.items()]
        output.write_table(("PROFILE", "SETTING", "VALUE"), rows)
    else:
        output.message("There are no settings. Set one: mstoken config set tenant TENANT")


@config.command(cls=Command, short_help="Print one setting.")
@_setting
@_profile
def get(setting: str, profile: str) -> None:
    """Print the value of SETTING in the profile; for a secret, the reference."""
    from mstoken.config.profile_editing import settings_of
    from mstoken.errors import UsageError

    name = _name(profile)
    table = settings_of(name)
    if setting not in table:
        raise UsageError(
            f"The profile {name} does not set {shown(setting)}.",
            f"See what it sets: mstoken config list --profile {name}",
        )
    output.write(_shown(table[setting]))


@config.command("set", cls=Command, short_help="Set one setting.")
@_setting
@click.argument("value")
@_profile
def set_value(setting: str, value: str, profile: str) -> None:
    """Set SETTING to VALUE in the profile, which is created if necessary. The rest of the file stays as it is."""
    from mstoken.config.folder import config_file
    from mstoken.config.profile_editing import set_setting

    name = _name(profile)
    set_setting(name, setting, value)
    output.message(f"Set {setting} of the profile {name} in {config_file(ENVIRON)}.")


@config.command(cls=Command, short_help="Remove one setting.")
@_setting
@_profile
def unset(setting: str, profile: str) -> None:
    """Remove SETTING from the profile. The profile itself stays."""
    from mstoken.config.folder import config_file
    from mstoken.config.profile_editing import unset_setting

    name = _name(profile)
    unset_setting(name, setting)
    output.message(f"Removed {setting} from the profile {name} in {config_file(ENVIRON)}.")


@config.command(cls=Command, short_help="Print the path of the configuration file.")
def path() -> None:
    """Print the path of the configuration file, whether or not it exists."""
    from mstoken.config.folder import config_file

    output.write(config_file(ENVIRON))


def _name(profile: str) -> str:
    from mstoken.config.layers import DEFAULT_PROFILE

    return profile or ENVIRON.get("MSTOKEN_PROFILE", "").strip() or DEFAULT_PROFILE


def _shown(value: object) -> str:
    """Return a setting's value as the file spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)

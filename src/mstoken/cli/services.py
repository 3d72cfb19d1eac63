"""`mstoken services`: list and search the catalogue."""

from __future__ import annotations

import click

from mstoken.cli import output
from mstoken.cli.command import command, form_option
from mstoken.cli.identity import options
from mstoken.cli.options import CLOUD
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mstoken.clouds import Cloud
    from mstoken.services import Service

_MIN_TITLE_WIDTH = 12  # minimum width of a title at a narrow terminal, in characters


@command(short_help="List and search the known services.")
@click.argument("text", nargs=-1, metavar="[TEXT]...")
@options((CLOUD,))
@form_option("table", "json", "names")
def services(text: tuple[str, ...], cloud: str, form: str) -> None:
    """List the known services, or those that match every word of TEXT: a name, title, host or application ID.

    Columns: name, title, scope, remarks. "needs a user" means that a token of an application alone is not useful.
    "unverified" means that nobody has confirmed scope and host. In a scope, * stands for the name of your own instance:
    mstoken get sharepoint:contoso.

    \b
      mstoken services vault
      mstoken services --cloud china --output names
    """
    cloud_used = chosen_cloud(cloud)
    found = _search(" ".join(text), cloud_used)
    if form == "names":
        for service in found:
            output.write(service.name)
    elif form == "json":
        output.write_json([_fields(service, cloud_used) for service in found])
    else:
        output.write_table(("NAME", "TITLE", "SCOPE", "REMARKS"), _rows(found, cloud_used))


def chosen_cloud(name: str) -> Cloud:
    """Return the cloud of `--cloud`, else that of the environment and profile, else the public one."""
    from mstoken import clouds
    from mstoken.cli.known_settings import known_settings

    chosen = known_settings()
    if name or chosen["cloud"]:
        return clouds.cloud(name or chosen["cloud"])
    return clouds.cloud_of_authority(chosen["authority"]) or clouds.PUBLIC


def _search(text: str, cloud: Cloud) -> list[Service]:
    """Return the matches that exist in the cloud. Raises UsageError if there are none."""
    from mstoken.errors import UsageError
    from mstoken.services import search

    everywhere = search(text) or _service_of_address(text, cloud)
    in_this_cloud = [service for service in everywhere if cloud.name in service.endpoints]
    if in_this_cloud:
        return in_this_cloud
    if everywhere:
        names = ", ".join(service.name for service in everywhere[:3])
        raise UsageError(
            f"No service that matches {text!r} is known in the cloud {cloud.name}.",
            f"Other clouds have {names}: mstoken services --cloud {everywhere[0].clouds[0]} {everywhere[0].name}",
        )
    raise _no_match(text)


def _service_of_address(text: str, cloud: Cloud) -> tuple[Service, ...]:
    """Return the service that a URL, scope or application ID belongs to; empty if it is not in the catalogue."""
    from mstoken.errors import UsageError
    from mstoken.services import resolve

    try:
        service = resolve(text, cloud).service if ":" in text or "/" in text else None
    except UsageError:
        return ()
    return (service,) if service else ()


def _no_match(text: str) -> Exception:
    from mstoken.errors import UsageError
    from mstoken.services.catalogue_search import closest
    from mstoken.texts import did_you_mean

    return UsageError(
        f"No service matches {text!r}.",
        f"{did_you_mean(closest(text))}For an API outside the catalogue, pass its scope: mstoken get "
        "--scope RESOURCE/.default",
    )


def _rows(found: list[Service], cloud: Cloud) -> Sequence[tuple[str, ...]]:
    rows = [
        (service.name, service.title, _scope(service, cloud), ", ".join(_remarks(service, cloud))) for service in found
    ]
    return _fit_to_terminal(rows)


def _scope(service: Service, cloud: Cloud) -> str:
    """Return the scope, with the form of the host for services that have one instance per customer."""
    endpoint = service.endpoints[cloud.name]
    host = endpoint.instances[0].split("/", 1)[0] if endpoint.instances else "*"
    return endpoint.scope.replace("{host}", host)


def _remarks(service: Service, cloud: Cloud) -> list[str]:
    from mstoken.services.target import is_verified

    needs_user = service.app_only == "no" or not service.endpoints[cloud.name].scope.endswith("/.default")
    conditions = {
        "needs a user": needs_user,
        "mostly needs a user": service.app_only == "partial" and not needs_user,
        "unverified": not is_verified(service, cloud),
        "retired": service.retired,
    }
    return [remark for remark, true in conditions.items() if true]


def _fit_to_terminal(rows: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
    """At a terminal, shorten titles so that a row fits on one line."""
    import shutil

    if not output.at_terminal():
        return rows
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    over = sum(widths) + 2 * (len(widths) - 1) - shutil.get_terminal_size().columns
    room = max(_MIN_TITLE_WIDTH, widths[1] - over)
    return [(name, title if len(title) <= room else f"{title[: room - 1]}…", *rest) for name, title, *rest in rows]


def _fields(service: Service, cloud: Cloud) -> dict[str, Any]:
    endpoint = service.endpoints[cloud.name]
    remarks = _remarks(service, cloud)
    return {
        "name": service.name,
        "title": service.title,
        "aliases": list(service.aliases),
        "cloud": cloud.name,
        "scope": _scope(service, cloud),
        "api": endpoint.api,
        "instances": list(endpoint.instances),
        "app_id": service.app_id,
        "app_only": service.app_only,
        "app_only_note": service.app_only_note,
        "needs_user": "needs a user" in remarks,
        "verified": "unverified" not in remarks,
        "retired": service.retired,
        "clouds": list(service.clouds),
        "identifiers": list(service.identifiers),
    }

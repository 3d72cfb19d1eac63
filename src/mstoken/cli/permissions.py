"""`mstoken permissions`: which permission or role an API call needs, before it is made."""

from __future__ import annotations

import click

from mstoken.cli import output
from mstoken.cli.command import Command, form_option
from mstoken.cli.identity import options
from mstoken.cli.options import CLOUD
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

    from mstoken.clouds import Cloud


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _complete_method(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(word) for word in (*_METHODS, "update") if word.startswith(incomplete)]


class _Group(click.Group):
    """`permissions METHOD URL`, and commands beside it, whose names are no methods."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args and args[0] in self.list_commands(click.Context(self)):
            return self.commands[args[0]].make_context(
                args[0], args[1:], click.Context(self, parent, info_name), **extra
            )
        return _show.make_context(info_name, args, parent, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in super().list_commands(ctx) if not self.commands[name].hidden]

    def get_help(self, ctx: click.Context) -> str:
        """Return the help of METHOD URL, as wide as that of the group."""
        return _show.get_help(
            click.Context(
                _show,
                ctx.parent,
                ctx.info_name,
                terminal_width=ctx.terminal_width,
                max_content_width=ctx.max_content_width,
                help_option_names=ctx.help_option_names,
            )
        )


@click.group(cls=_Group, short_help="Show which permission or role an API call needs.")
def permissions() -> None:
    """Show which permission or role an API call needs: METHOD URL, or a command."""


@permissions.command("show", cls=Command, hidden=True)
@click.argument("method", metavar="METHOD", shell_complete=_complete_method)
@click.argument("url", metavar="URL")
@options((CLOUD,))
@form_option("text", "json")
def _show(method: str, url: str, cloud: str, form: str) -> None:
    """Show which permissions the call METHOD URL of Microsoft Graph needs, or which action and roles a call of Azure
    Resource Manager needs. Nothing is sent.

    URL is as for `mstoken request`, and a path alone is one of Graph: /users. Ids may be placeholders: /users/{id}. For
    Graph, the least privileged permission is first; delegated permissions are for a token on behalf of a user,
    application permissions for one of an application alone. A permission is necessary, not sufficient: the user's
    directory role, a license or a policy counts as well.

    \b
      mstoken permissions GET /users
      mstoken permissions POST graph:/groups -o json
      mstoken permissions PUT '/subscriptions/{id}/resourceGroups/{name}'
      mstoken permissions update          fetch the complete public lists
    """
    from mstoken.cli.known_settings import known_settings
    from mstoken.cli.services import chosen_cloud

    verb, context = method.upper(), {**known_settings(), "resource": "graph"}
    service, path = _target(url, chosen_cloud(cloud))
    found = _of_azure(verb, path, context) if service == "arm" else _of_graph(verb, path, context)
    if form == "json":
        output.write_json(found)
        return
    output.write(f"{verb} {path}")
    for label, text in _lines(found):
        output.write_labelled(label, text)


@permissions.command(cls=Command, short_help="Fetch the complete public lists of permissions and roles.")
@click.argument("names", nargs=-1, metavar="[graph|azure]...", type=click.Choice(("graph", "azure")))
@click.option("--yes", is_flag=True, help="Store without asking.")
@click.option(
    "--from",
    "folder",
    default="",
    metavar="PLACE",
    help="URL or folder that has the files of one data set, in place of its public address.",
)
@click.option(
    "--sha256",
    "expected",
    multiple=True,
    metavar="HEX",
    help="Expected SHA-256 of a file; refuse other files. Repeat it for each file.",
)
@form_option("text", "json")
def update(names: Sequence[str], folder: str, expected: Sequence[str], form: str, *, yes: bool) -> None:
    """Fetch public data sets, for `mstoken permissions` and for errors 403: `graph` has every call of Microsoft Graph,
    `azure` every built-in role of Azure. Both if you name none.

    The command shows address, size, SHA-256 and license of what it fetched, and asks before it stores it. Run it again
    to refresh it. No token is sent. The files are in the folder of the configuration; delete them to use only the
    tables that come with mstoken.

    \b
      mstoken permissions update
      mstoken permissions update graph --yes
      mstoken permissions update azure --from ./downloads
    """
    from mstoken.cli.permissions_update import fetch_and_offer

    fetch_and_offer(names, folder, expected, yes=yes, as_text=form == "text")


def _target(url: str, cloud: Cloud) -> tuple[str, str]:
    """Return `graph` or `arm`, and the path. Raises UsageError for another service."""
    from mstoken import services
    from mstoken.errors import UsageError
    from mstoken.rest.addresses import full_url, is_arm_path
    from mstoken.urls import path_of

    if url.startswith("/") and not is_arm_path(url):
        return "graph", url.partition("?")[0]
    whole = full_url(url.replace("{", "%7B").replace("}", "%7D"), None, cloud)
    service = services.resolve(whole, cloud).service
    name = service.name if service else ""
    if name not in {"graph", "arm"}:
        raise UsageError(
            f"The permissions of {name or 'this API'} are not known.",
            "Microsoft Graph and Azure Resource Manager are: mstoken permissions GET /users",
        )
    return name, path_of(whole).partition("?")[0].replace("%7B", "{").replace("%7D", "}")


def _of_graph(method: str, path: str, context: dict[str, str]) -> dict[str, Any]:
    """Return the requirement of a call of Graph. Raises UsageError if the table does not have it."""
    from mstoken.errors import UsageError
    from mstoken.rest.permission_table import table
    from mstoken.rest.token_rights import token_rights
    from mstoken.rest.why_403 import grant_steps

    found = table().find(method, path)
    if found is None:
        methods = ", ".join(table().methods(path))
        others = (
            f"The table has {methods} for this path."
            if methods
            else "Fetch the complete list with `mstoken permissions update graph`, or see the call's page on "
            "learn.microsoft.com/graph/api."
        )
        raise UsageError(f"The permissions of {method} {path} are not in the table.", others)
    callers = {"delegated": found.delegated, "application": found.application}
    return {
        "service": "graph",
        "method": method,
        "path": found.path.replace("{}", "{id}"),
        "guessed": found.guessed,
        "dated": found.dated,
        **{caller: list(entries) if entries else None for caller, entries in callers.items()},
        "grant": {
            caller: list(
                grant_steps(entries, token_rights({"idtyp": "user"} if caller == "delegated" else {}, 0), context)
            )
            for caller, entries in callers.items()
            if entries
        },
    }


def _of_azure(method: str, path: str, context: dict[str, str]) -> dict[str, Any]:
    """Return the action and roles of a call of Resource Manager. Raises UsageError for a path that names no action."""
    from mstoken.aadsts import fill
    from mstoken.errors import UsageError
    from mstoken.permissions.azure_roles import arm_action, arm_scope, roles_for
    from mstoken.rest.permission_table import all_roles

    action = arm_action(method, path)
    if not action:
        raise UsageError(
            f"{method} {path} names no action of Azure.", "Write it like /subscriptions/{id}/resourceGroups/{name}"
        )
    roles, scope = roles_for(action, all_roles()), arm_scope(path)
    grant = fill(
        "`az role assignment create --assignee {client_id} --role {resource} --scope {scope}`",
        **{**context, "resource": roles[0] if roles else "ROLE", "scope": scope},
    )
    return {
        "service": "arm",
        "method": method,
        "path": path,
        "action": action,
        "roles": list(roles),
        "grant": {"role": [grant]},
    }


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    from mstoken.permissions.requirements import first_words

    if found["service"] == "arm":
        return [
            ("action", found["action"]),
            ("roles", ", ".join(found["roles"]) or "unknown"),
            ("grant", found["grant"]["role"][0]),
        ]
    lines = [("row", f"{found['path']}, a guess: the table lacks this path")] if found["guessed"] else []
    for caller in ("delegated", "application"):
        entries = found[caller]
        lines.append((caller, first_words(entries, most=5) if entries else "not possible"))
        lines += [("", step) for step in found["grant"].get(caller, ())]
    return lines

"""Write docs/services.md from the catalogue of services; with --check, only compare (exit code 1 when stale)."""

from __future__ import annotations

import sys
from pathlib import Path

from mstoken.clouds import CLOUDS
from mstoken.services import Service, catalogue

PAGE = Path(__file__).resolve().parent.parent / "docs" / "services.md"

INTRODUCTION = """# Services

<!-- Written by tools/docs_services.py from src/mstoken/services/services.toml; do not edit. -->

What you can name after `mstoken get`, and in `get_token()` in Python, without knowing a scope:

| you write | for example |
|---|---|
| a name from the table below | `graph` |
| a name and your own instance | `sharepoint:contoso`, `dataverse:org.crm4`, `keyvault:myvault` |
| a name and a permission | `partner/.default` |
| the URL of an API | `https://myvault.vault.azure.net/secrets/x` |
| a resource, in either slash form | `https://management.azure.com` |
| a scope in full, taken as it is | `https://management.azure.com//.default`, `api://my-api/access` |
| a permission of Microsoft Graph | `User.Read` |
| an application id | `00000003-0000-0000-c000-000000000000` |

One argument may hold several scopes, separated by spaces or commas: `User.Read,Mail.Read`. `openid`, `profile`, `email`
and `offline_access` may stand beside `/.default`; single permissions may not. What is not a scope is refused.

A URL whose host is not in the catalogue gets no token by guessing: give its scope with `--scope`. A URL of another
cloud is refused with the `--cloud` it belongs to. Where a resource is registered with a slash at its end, its scope has
two (`https://management.azure.com//.default`); the catalogue puts them where they belong.

## Clouds

| `--cloud` | what it is | signs in at | other names |
|---|---|---|---|
"""

LEGEND = """
## Catalogue

*Verified* says how an entry was confirmed: **registered**, its identifier is registered in Entra's public cloud (list
of January 2026, published by ROADtools); **source**, seen in the source of Microsoft's or well-known tools; **no**,
from memory of the documentation only. Clouds in *italics* hold values that nobody confirmed. *A user*: an application
alone does not get this token, or, where it says *mostly*, gets one that only some calls accept.

| name | service | scope | clouds | a user? | verified |
|---|---|---|---|---|---|
"""


def row(service: Service) -> str:
    """One line of the table."""
    endpoint = next(iter(service.endpoints.values()))
    name = f"`{service.name}:NAME`" if service.needs_instance else f"`{service.name}`"
    also = f" ({', '.join(f'`{alias}`' for alias in service.aliases)})" if service.aliases else ""
    host = endpoint.instances[0].replace("*", "NAME") if endpoint.instances else ""
    clouds = ", ".join(f"*{one}*" if one in service.unverified_clouds else one for one in service.clouds)
    user = {"yes": "yes" if service.needs_user else "", "partial": "mostly", "no": "yes"}[service.app_only]
    cells = (
        name + also,
        service.title + (" (retired)" if service.retired else ""),
        f"`{endpoint.scope.replace('{host}', host)}`",
        clouds,
        user,
        {"registered": "registered", "source": "source", "recalled": "no"}[service.verified],
    )
    return f"| {' | '.join(cells)} |\n"


def render() -> str:
    """The whole page."""
    clouds = "".join(
        f"| `{one.name}` | {one.title} | `{one.authority_host}` | {', '.join(map('`{}`'.format, one.aliases))} |\n"
        for one in CLOUDS
    )
    return INTRODUCTION + clouds + LEGEND + "".join(map(row, catalogue()))


def main() -> int:
    """Write the page, or with --check say whether it is what would be written."""
    page = render()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page, "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == page:
        return 0
    print(f"{PAGE.name} is stale; run: python tools/docs_services.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

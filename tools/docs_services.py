"""Write docs/services.md from the catalogue of services; with --check, only compare (exit code 1 when stale)."""

from __future__ import annotations

import sys
from pathlib import Path

from mstoken.clouds import CLOUDS
from mstoken.services import Service, catalogue

PAGE = Path(__file__).resolve().parent.parent / "docs" / "services.md"

INTRODUCTION = """# Services

<!-- Written by tools/docs_services.py from src/mstoken/services/services.toml; do not edit. -->

You can write any of these after `mstoken get`, and in `get_token()` in Python. You do not need to know a scope.

| write | for example |
|---|---|
| a name from the catalogue below | `graph` |
| a name and your own instance | `sharepoint:contoso`, `dataverse:org.crm4`, `keyvault:myvault` |
| a name and a permission | `partner/.default` |
| an API's URL | `https://myvault.vault.azure.net/secrets/x` |
| a resource, with or without a final slash | `https://management.azure.com` |
| a full scope, sent unchanged | `https://management.azure.com//.default`, `api://my-api/access` |
| a permission of Microsoft Graph | `User.Read` |
| an application ID | `00000003-0000-0000-c000-000000000000` |

One argument may contain several scopes, separated by spaces or commas: `User.Read,Mail.Read`. `openid`, `profile`,
`email` and `offline_access` may accompany `/.default`; single permissions may not. mstoken refuses what is not a
scope.

mstoken does not guess: if the catalogue does not contain a URL's host, give its scope with `--scope`. It refuses a
URL of another cloud and names the `--cloud` that the URL belongs to. If a resource is registered with a slash at its
end, its scope has two (`https://management.azure.com//.default`); the catalogue puts them where they belong.
A full scope keeps its own; only `/.default` of Azure Resource Manager, which accepts both, is always sent with two.

## Clouds

| `--cloud` | cloud | sign-in host | other names |
|---|---|---|---|
"""

LEGEND = """
## Catalogue

*Verified* says how an entry was confirmed: **registered** if its identifier is registered in Entra ID's public cloud
(list of January 2026, published by ROADtools), **source** if it is in the source code of Microsoft's or well-known
tools, **no** if it comes from memory of the documentation only. Clouds in *italics* contain values that nobody has
confirmed. *Needs a user*: an application alone does not get this token or, for *mostly*, gets one that only some
calls accept.

| name | service | scope | clouds | needs a user | verified |
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

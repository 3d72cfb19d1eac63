"""`mstoken partner`: what a partner (Cloud Solution Provider) does for its customers."""

from __future__ import annotations

import time

import click

from mstoken.cli import output
from mstoken.cli.command import Command, debug_option, form_option
from mstoken.cli.identity import identity_options, options
from mstoken.cli.options import IDENTITY, LOGIN, IdentityArguments, LoginArguments
from mstoken.cli.tenants_options import concurrency_option
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.client import Client
    from mstoken.partner.customers import Customer

_DAY_IN = 24 * 3600
_OF_LOGIN = tuple(option for option in LOGIN if option.name not in {"scope", "claims", "no_verify"})
"""The options of `mstoken login` that leave the service and the MFA to this command."""
_HEADINGS = ("TENANT", "NAME", "RELATION", "ENDS")


@click.group(short_help="Work as a partner (CSP) in your customers' tenants.")
def partner() -> None:
    """Work as a partner (Cloud Solution Provider) in your customers' tenants.

    One sign-in of a user of the partner's tenant serves all of them: docs/partners.md.

    \b
      mstoken partner login --profile partner --client-id ID
      mstoken partner customers --profile partner
    """


partner.params.append(debug_option())


@partner.command(cls=Command, short_help="Sign in with MFA, and check that Partner Center accepts it.")
@options(IDENTITY)
@options(_OF_LOGIN)
def login(**values: Any) -> None:
    """Sign in as `mstoken login` does, with multi-factor authentication whatever the tenant's policies say.

    It then looks at the token and asks Partner Center, which refuses a user's tokens of sign-ins without MFA since
    2026. A refresh token of such a sign-in never gains it. The exit code is 3 if MFA is missing.

    \b
      mstoken partner login --profile partner --tenant contoso.onmicrosoft.com --client-id ID
      cat refresh-token.txt | mstoken partner login --profile partner --tenant contoso.onmicrosoft.com --client-id ID
    """
    from mstoken.cli.identity import open_stores
    from mstoken.cli.login import sign_in_and_store
    from mstoken.client import Client
    from mstoken.partner.mfa import MFA_CLAIMS

    arguments = LoginArguments(**values, claims=MFA_CLAIMS, services=("partner",))
    settings = sign_in_and_store(arguments)
    with Client.from_settings(settings, open_stores(settings.store)) as client:
        found = client.partner().check_mfa()
    found.require()
    said = "" if found.accepted else ", but does not say whether it does so because of MFA"
    output.message(f"Partner Center accepts the sign-in{said}.")


@partner.command(cls=Command, short_help="List your customers, and when their relationships end.")
@identity_options
@click.option("--resellers", is_flag=True, help="Also list Partner Center's customers without a relationship (GDAP).")
@form_option("table", "json")
def customers(form: str, resellers: bool, **arguments: Any) -> None:
    """List the customers with an active relationship (GDAP): tenant, name, and when the relationship ends.

    The identity needs DelegatedAdminRelationship.Read.All of Microsoft Graph in the partner's tenant. --output json
    prints a line with one object for each customer, with the roles (template ids) that the relationships grant; such a
    list is one for --tenants.

    \b
      mstoken partner customers
      mstoken partner customers -o json | mstoken request GET graph:/organization --tenants -
    """
    from mstoken.cli.identity import client_for

    with client_for(IdentityArguments(**arguments).flags()) as client:
        found = client.partner().customers(resellers=resellers)
        if form == "json":
            for customer in found:
                _write_line(customer)
            return
        now = int(time.time())
        rows = [(one.tenant, one.name or "-", one.relation, _end(one, now)) for one in found]
    if rows:
        output.write_table(_HEADINGS, rows)
    else:
        output.message("Graph lists no active relationship. Ask the customers for one, or look: --resellers")


@partner.command(cls=Command, short_help="Consent to your application in customers' tenants.")
@click.argument("tenants", metavar="TENANT...|all|-", nargs=-1, required=True)
@identity_options
@click.option(
    "--grants",
    multiple=True,
    metavar="RESOURCE:SCOPE,…",
    help="Delegated permissions; by default those that the application has in your own tenant. May be repeated.",
)
@click.option(
    "--roles",
    multiple=True,
    metavar="RESOURCE:ROLE,…",
    help="Permissions of the application itself, assigned through Graph in the customer's tenant. May be repeated.",
)
@click.option(
    "--replace",
    "replaces",
    is_flag=True,
    help="If a consent lacks some of the permissions, remove it first, with all that is in it.",
)
@concurrency_option
def consent(
    tenants: tuple[str, ...],
    grants: tuple[str, ...],
    roles: tuple[str, ...],
    replaces: bool,
    concurrency: int,
    **arguments: Any,
) -> int:
    """Consent to your application in customers' tenants: those named, all with a relationship, or a list from - .

    A line of JSON for each tenant says whether consent was granted or was there already: doing it again changes
    nothing. The application's cached tokens of the tenant are deleted, because they lack the new permissions.

    The sign-in needs MFA. --roles also needs Application.Read.All and AppRoleAssignment.ReadWrite.All among the
    delegated permissions, and a call without --grants needs Directory.Read.All.

    \b
      mstoken partner consent tailwind-bakery.example
      mstoken partner consent all --grants graph:User.Read.All,Directory.Read.All --roles graph:User.Read.All
    """
    from mstoken.cli.identity import client_for
    from mstoken.cli.tenants import Task, run_tenants
    from mstoken.fleet.schedule import Pace
    from mstoken.partner.grants import parse_grants
    from mstoken.values import as_dict

    named, own = parse_grants(grants), parse_grants(roles)
    with client_for(IdentityArguments(**arguments).flags()) as client:
        partner = client.partner()
        wanted = named or partner.own_grants()

        def work(tenant: Client, _: Callable[[], None]) -> dict[str, Any]:
            done = as_dict(partner.consent(tenant.authority.tenant, wanted, roles=own, replace=replaces))
            return {name: found for name, found in done.items() if name != "tenant"}

        return run_tenants(client, _list_of(client, tenants), Task(work, Pace(concurrency)))


@partner.command(cls=Command, short_help="Show what prevents you from working in a customer's tenant.")
@click.argument("tenants", metavar="TENANT...|all|-", nargs=-1, required=True)
@identity_options
@concurrency_option
@form_option("text", "json")
def doctor(tenants: tuple[str, ...], form: str, concurrency: int, **arguments: Any) -> int:
    """Show what prevents you from working in a customer's tenant, with one remedy for each trouble.

    The checks are the sign-in's age and MFA, the relationship (GDAP) and its end, consent, Conditional Access, and the
    directory roles that the relationship grants. For several tenants, all of yours, or a list from - , a line of JSON
    for each says the same, and the sign-in is checked once, at the beginning. Nothing is changed.

    The exit code is 0 if nothing failed, else that of the failure: 3 for a sign-in, 4 for consent or a policy.

    \b
      mstoken partner doctor tailwind-bakery.example
      mstoken partner doctor all > tenants.ndjson
    """
    from mstoken.cli import partner_doctor
    from mstoken.cli.identity import client_for

    with client_for(IdentityArguments(**arguments).flags()) as client:
        if len(tenants) == 1 and tenants[0] not in {"all", "-"}:
            return partner_doctor.show(client, tenants[0], as_json=form == "json")
        return partner_doctor.show_many(client, lambda: _list_of(client, tenants), concurrency)


@partner.group(short_help="Export your billing data.")
def billing() -> None:
    """Export your billing data from Microsoft Graph (public cloud only)."""


billing.params.append(debug_option())


@billing.command(cls=Command, short_help="Export usage or invoice lines to a folder.")
@click.argument("kind", metavar="KIND")
@click.option("--folder", required=True, metavar="FOLDER", help="Where the files go; it is created if necessary.")
@click.option("--invoice", default="", metavar="NUMBER", help="Number of the invoice, for billed data.")
@click.option("--currency", default="", metavar="CODE", help="Currency, such as USD, for data that is not billed yet.")
@click.option("--period", default="", metavar="current|last", help="Billing period of data that is not billed yet.")
@click.option(
    "--attributes", type=click.Choice(["full", "basic"]), default="full", show_default=True, help="How much of a line."
)
@identity_options
def export(kind: str, folder: str, invoice: str, currency: str, period: str, attributes: str, **arguments: Any) -> None:
    """Export KIND to a folder: begin the export, wait until it is done, and download its files.

    KIND is unbilled-usage, billed-usage, unbilled-reconciliation or billed-reconciliation. The files are lines of JSON,
    compressed with gzip; their names are printed. They come from a storage account, which gets no token. Files of the
    same version that are in the folder already are not downloaded again. Needs PartnerBilling.Read.All.

    \b
      mstoken partner billing export unbilled-usage --currency EUR --period current --folder usage
      mstoken partner billing export billed-reconciliation --invoice G012345678 --folder invoice
    """
    from pathlib import Path

    from mstoken.cli.identity import client_for
    from mstoken.cli.status_line import StatusLine

    with client_for(IdentityArguments(**arguments).flags()) as client, StatusLine() as line:

        def show(files: int, total: int) -> None:
            line.draw(f"{files} of {total} files")

        line.draw("The export runs.")
        found = client.partner().export_billing(
            kind, folder, invoice=invoice, currency=currency, period=period, attributes=attributes, on_file=show
        )
        line.erase()
    for name in found.files:
        output.write(str(Path(found.folder) / name))
    count = len(found.files)
    output.message(f"{count} file{'' if count == 1 else 's'}, of which {found.fetched} downloaded now.")


def _list_of(client: Client, tenants: tuple[str, ...]) -> dict[str, str]:
    """Return the tenants of a command, with their names if known. Raises UsageError, and what listing raises."""
    from mstoken.cli.tenant_lists import ALL_CUSTOMERS, tenants_of

    if tenants in (("all",), ("-",)):
        return tenants_of(client, "-" if tenants == ("-",) else ALL_CUSTOMERS)
    return dict.fromkeys((tenant.lower() for tenant in tenants), "")


def _write_line(customer: Customer) -> None:
    import json

    from mstoken.values import as_dict

    output.write(json.dumps(as_dict(customer)).replace("\x7f", "\\u007f"))


def _end(customer: Customer, now: int) -> str:
    if customer.ends_on is None:
        return "-"
    date = time.strftime("%Y-%m-%d", time.gmtime(customer.ends_on))
    days = (customer.ends_on - now) // _DAY_IN
    return f"{date}, extends itself" if customer.extends else f"{date}, in {days} day{'' if days == 1 else 's'}"

"""`mstoken request` with --query, --output, --param, -F, and the names in a URL that are filled in."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
from tests.support.program import Program

from entra_emulator import Emulator
from entra_emulator.model import ResourceGroup, ServicePrincipal, Subscription, Tenant, User

VERSION = "api-version=2022-09-01"


@pytest.fixture
def users(entra: Emulator) -> Iterator[list[User]]:
    """The partner's users, one of which has an awkward name."""
    users = entra.state.default_tenant.users
    users.append(User("odd@northwind-partner.example", 'Tab\t "quoted", and\nmore'))
    yield users
    users.pop()


@pytest.fixture
def elsewhere(entra: Emulator) -> Iterator[tuple[Tenant, Subscription]]:
    """A subscription in the customer's tenant that the default application may read, with a resource group."""
    tenant = entra.state.default_customer
    assert tenant
    app = entra.state.default_app
    found = Subscription("22222222-3333-4444-8555-666666666666", "Tailwind", readers=[app.id])
    found.resource_groups += [ResourceGroup(f"group-{number}", "westeurope") for number in range(3)]
    tenant.subscriptions.append(found)
    if not tenant.principal(app.id):
        tenant.principals.append(ServicePrincipal(app.id))
    yield tenant, found
    tenant.subscriptions.remove(found)


def output_of(program: Program, *arguments: str, **variables: str) -> str:
    """Run `mstoken request GET`; return its output."""
    result = program("request", "GET", *arguments, **variables)
    assert (result.code, result.err) == (0, "")
    return result.out


def test_a_query_selects_from_the_body(at_entra: Program, users: list[User]) -> None:
    """The language is that of the Azure CLI; the default output is JSON."""
    names = [user.name for user in users]
    url = "graph:/users?$select=displayName"
    assert json.loads(output_of(at_entra, url, "-q", "value[].displayName")) == names
    assert json.loads(output_of(at_entra, url, "--query", "length(value)")) == len(names)
    assert json.loads(output_of(at_entra, url, "-q", "nothing")) is None


def test_with_all_a_query_selects_from_the_items(at_entra: Program, users: list[User]) -> None:
    """Of each page as it comes; with --slurp of all of them."""
    url = ("graph:/users?$top=1&$select=displayName", "--all")
    lines = output_of(at_entra, *url, "-q", "[].displayName").splitlines()
    assert [json.loads(line) for line in lines] == [user.name for user in users]
    assert output_of(at_entra, *url, "-q", "length(@)").splitlines() == ["1"] * len(users)
    assert json.loads(output_of(at_entra, *url, "-q", "length(@)", "--slurp")) == len(users)
    assert json.loads(output_of(at_entra, *url, "-q", "[-1].displayName", "-o", "json")) == users[-1].name


@pytest.mark.parametrize("paging", [(), ("--all",)])
def test_csv_has_a_heading_and_quotes(at_entra: Program, users: list[User], paging: tuple[str, ...]) -> None:
    """RFC 4180: a spreadsheet reads back what Graph said."""
    out = output_of(at_entra, "graph:/users?$top=50&$select=id,displayName", "-o", "csv", *paging)
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert [(row["id"], row["displayName"]) for row in rows] == [(user.id, user.name) for user in users]


def test_tsv_has_a_line_for_each_item(at_entra: Program, users: list[User]) -> None:
    """For `while read`: no heading; tabs and line ends inside are escaped."""
    out = output_of(
        at_entra, "graph:/users?$select=id,displayName", "-o", "tsv", "-q", "value[].[id, displayName, jobTitle]"
    )
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == [user.id for user in users]
    assert rows[-1][1:] == ['Tab\\t "quoted", and\\nmore', ""]
    assert output_of(at_entra, "graph:/users?$top=1", "-o", "tsv", "-q", "value[0].id").strip() == users[0].id


def test_a_table_has_columns(at_entra: Program, entra: Emulator) -> None:
    """With headings also in a pipe, as tables of other tools have them."""
    out = output_of(
        at_entra, "graph:/users?$top=1", "--all", "-o", "table", "-q", "[].{name: displayName, number: `7`}"
    )
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["name", "number"]
    assert len(lines) == len(entra.state.default_tenant.users) + 1
    assert {line[-1] for line in lines[1:]} == {"7"}


def test_ndjson_prints_the_items_of_one_page(at_entra: Program, entra: Emulator) -> None:
    out = output_of(at_entra, "graph:/users?$select=id", "-o", "ndjson")
    assert [json.loads(line)["id"] for line in out.splitlines()] == [u.id for u in entra.state.default_tenant.users]
    tenant = entra.state.default_tenant
    assert json.loads(output_of(at_entra, f"graph:/organization/{tenant.id}", "-o", "ndjson"))["id"] == tenant.id


def test_columns_that_come_too_late_are_announced(at_entra: Program, entra: Emulator) -> None:
    """Streamed CSV has the columns of its first page; nothing is left out in silence."""
    url = ("graph:/users?$top=1&$select=id,displayName", "--all", "-o", "csv", "-q")
    name = entra.state.default_tenant.users[0].name
    query = f"[].{{id: id, name: displayName}} | [?name == '{name}'].{{id: id}} || [].{{id: displayName}}"
    assert output_of(at_entra, *url, query).splitlines()[0] == "id"
    result = at_entra("request", "GET", *url, f"[?displayName == '{name}'].{{id: id}} || @")
    assert result.code == 0
    assert "Later items have further fields, which the columns lack: displayName" in result.err


@pytest.mark.parametrize("query", ["value[", "length(value)(", "]", "value[?a = 'b']"])
def test_an_invalid_expression_is_refused_before_anything_is_sent(
    at_entra: Program, entra: Emulator, query: str
) -> None:
    before = len(entra.requests)
    result = at_entra("request", "GET", "graph:/users", "-q", query)
    assert (result.code, result.out) == (2, "")
    assert "--query is not JMESPath" in result.err
    assert entra.requests[before:] == []


@pytest.mark.parametrize("query", ["length(nothing)", "no_such_function(@)"])
def test_an_expression_that_does_not_fit_is_explained(at_entra: Program, query: str) -> None:
    result = at_entra("request", "GET", "graph:/users", "-q", query)
    assert (result.code, result.out) == (2, "")
    assert "--query does not fit the response" in result.err


def test_an_error_is_printed_as_it_is(at_entra: Program) -> None:
    """The expression is for the body that was asked for."""
    result = at_entra("request", "GET", "graph:/users/nobody", "-q", "displayName", "-o", "csv")
    assert result.code == 4
    assert json.loads(result.out)["error"]["code"]


def test_parameters_are_encoded_and_get_their_dollar(at_entra: Program, users: list[User]) -> None:
    """No shell replaces `filter`; other APIs get the names as they are."""
    person = users[0]
    out = output_of(
        at_entra,
        "graph:/users",
        "--param",
        f"filter=displayName eq '{person.name}'",
        "--param",
        "$select=id",
        "-q",
        "value",
    )
    assert json.loads(out) == [{"id": person.id}]
    groups = output_of(
        at_entra,
        "arm:/subscriptions/{subscription}/resourcegroups",
        "--param",
        "api-version=2022-09-01",
        "--param",
        "$top=1",
    )
    assert "value" in json.loads(groups)


def test_fields_make_a_body(at_entra: Program, entra: Emulator) -> None:
    """A list, beside a text that looks like a list's item."""
    user = entra.state.default_tenant.users[0]
    result = at_entra(
        *("request", "POST", "graph:/directoryObjects/getByIds", "-F", "types[]=user"),
        *("-f", f"ids[]={user.id}", "-q", "value[].displayName", "-o", "tsv"),
    )
    assert (result.code, result.out, result.err) == (0, f"{user.name}\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["POST", "graph:/groups", "-F", "a=1", "-d", "{}"], "exclude each other"),
        (["GET", "graph:/groups", "-F", "a=1"], "Use --param"),
        (["POST", "graph:/groups", "-F", "a"], "name=value"),
        (["GET", "graph:/groups", "--param", "top"], "name=value"),
        (["GET", "graph:/groups", "-o", "yaml"], "yaml"),
        (["--stdin", "-q", "value"], "--stdin exclude each other"),
    ],
)
def test_options_that_do_not_fit_are_refused(at_entra: Program, arguments: list[str], said: str) -> None:
    result = at_entra("request", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_services_and_versions_stand_before_a_path(at_entra: Program, entra: Emulator) -> None:
    """graphbeta, arm and a vault."""
    before = len(entra.requests)
    output_of(at_entra, "graphbeta:/organization")
    output_of(at_entra, "arm:/subscriptions?api-version=2022-12-01")
    paths = [logged.path for logged in entra.requests[before:] if logged.service in ("graph", "arm")]
    assert paths == ["/beta/organization", "/subscriptions"]


def test_tenant_and_subscription_are_filled_in(at_entra: Program, entra: Emulator) -> None:
    """The client's tenant; the subscription of the option, of the variable, or the only one."""
    tenant, [subscription, *_] = entra.state.default_tenant, entra.state.default_tenant.subscriptions
    assert json.loads(output_of(at_entra, "graph:/organization/{tenant}"))["id"] == tenant.id
    url = f"arm:/subscriptions/{{subscription}}?{VERSION}"
    for more, variables in (
        ([], {}),
        (["--subscription", subscription.id], {"AZURE_SUBSCRIPTION_ID": "no-such-one"}),
        ([], {"AZURE_SUBSCRIPTION_ID": subscription.id}),
    ):
        assert json.loads(output_of(at_entra, url, *more, **variables))["subscriptionId"] == subscription.id


def test_several_subscriptions_are_listed(at_entra: Program, entra: Emulator) -> None:
    tenant = entra.state.default_tenant
    tenant.subscriptions.append(
        Subscription("33333333-3333-4444-8555-666666666666", "More", [entra.state.default_app.id])
    )
    try:
        result = at_entra("request", "GET", f"arm:/subscriptions/{{subscription}}?{VERSION}")
        assert result.code == 2
        assert "could be each of 2 subscriptions" in result.err
        assert "33333333-3333-4444-8555-666666666666" in result.err
    finally:
        tenant.subscriptions.pop()


def test_the_tenant_of_a_subscription_is_found(
    at_entra: Program, entra: Emulator, elsewhere: tuple[Tenant, Subscription]
) -> None:
    """By the 401 that names it; further pages are requested there at once."""
    _, subscription = elsewhere
    before = len(entra.requests)
    url = f"arm:/subscriptions/{subscription.id}/resourcegroups?{VERSION}&$top=1"
    lines = output_of(at_entra, url, "--all", "-q", "[].name").splitlines()
    assert [json.loads(line) for line in lines] == ["group-0", "group-1", "group-2"]
    statuses = [logged.status for logged in entra.requests[before:] if logged.service == "arm"]
    assert statuses == [401, 200, 200, 200]


def test_a_tenant_that_you_name_stays(
    at_entra: Program, entra: Emulator, elsewhere: tuple[Tenant, Subscription]
) -> None:
    """The message names the other one."""
    tenant, subscription = elsewhere
    own = entra.state.default_tenant.id
    result = at_entra("request", "GET", f"arm:/subscriptions/{subscription.id}?{VERSION}", "--tenant", own)
    assert result.code == 4
    assert f"The subscription belongs to another tenant. Use that one: --tenant {tenant.id}" in result.err

"""`mstoken request --batch`: lines of JSON, sent to Microsoft Graph twenty at a time."""

from __future__ import annotations

import pytest
from tests.mstoken.cli.test_request_lines import lines, results
from tests.support.program import Program

from entra_emulator import Emulator


def test_each_line_has_one_result_in_order(at_entra: Program, entra: Emulator) -> None:
    """The response, the API's error or why the line cannot be sent; 24 requests are two batches."""
    requests: list[object] = [
        {"id": "o", "url": "/organization"},
        {"url": "graph:/users/nobody"},
        {"url": "/organization", "dependsOn": ["o"]},
        {"url": "/organization", "tenant": "contoso.com"},
        {"url": "/organization", "id": None},
        *[{"url": "/users?$top=1"}] * 21,
    ]
    before = len(entra.requests)
    result = at_entra("request", "--batch", stdin=lines(*requests[:3]) + "nonsense\n" + lines(*requests[3:]))
    found = results(result)
    assert [one["line"] for one in found] == list(range(1, 28))
    assert [one.get("status") for one in found[:6]] == [200, 404, 200, None, None, None]
    assert (found[0]["id"], found[0]["body"]["value"][0]["id"]) == ("o", entra.state.default_tenant.id)
    assert (found[1]["error"]["code"], found[1]["error"]["exit_code"]) == ("Request_ResourceNotFound", 4)
    assert [one["error"]["kind"] for one in found[3:6]] == ["usage_error"] * 3
    assert all(one["status"] == 200 and len(one["body"]["value"]) == 1 for one in found[6:])
    assert (result.code, result.err) == (6, "mstoken: 4 of 27 requests failed.\n")
    assert sum(logged.path.endswith("/$batch") for logged in entra.requests[before:]) == 2


def test_a_refused_line_says_which_permission_it_needs(at_entra: Program) -> None:
    result = at_entra("request", "--batch", stdin=lines({"url": "/applications", "method": "POST", "body": {}}))
    [found] = results(result)
    assert found["error"]["permission"]["needs"]["operation"] == "POST /applications"
    assert "az ad app permission add" in found["error"]["remedy"]


def test_all_reads_the_pages_of_each_line(at_entra: Program, entra: Emulator) -> None:
    result = at_entra("request", "--batch", "--all", stdin=lines({"url": "/users?$top=1&$select=id"}))
    [found] = results(result)
    assert [user["id"] for user in found["body"]["value"]] == [user.id for user in entra.state.default_tenant.users]
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize("given", [["GET", "graph:/users"], ["--save", "x"], ["-q", "value"], ["--slurp"]])
def test_what_a_line_says_itself_is_no_option(at_entra: Program, given: list[str]) -> None:
    result = at_entra("request", "--batch", *given, stdin="")
    assert result.code == 2
    assert "--batch exclude each other: each line is a request." in result.err

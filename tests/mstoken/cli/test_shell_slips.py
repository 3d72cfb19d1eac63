"""What can only be a shell's slip is refused by name; what merely looks odd passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.pwsh import needs_pwsh, run_pwsh
from tests.support.token_service import TokenService

from mstoken.cli.shell_slips import refuse_slip, refuse_slip_in_body, refuse_slip_in_json, refuse_slip_in_url
from mstoken.errors import UsageError

URL = "https://graph.microsoft.com/v1.0/users"
OBJECTS = (
    "System.Collections.Hashtable",
    "System.Security.SecureString",
    "System.Object[]",
    "System.Management.Automation.PSCredential",
    "System.String[]",
    "System.Collections.Specialized.OrderedDictionary",
    "@{a=b}",
    "@{Name=Anna; Id=7}",
)


@pytest.mark.parametrize("text", OBJECTS)
def test_an_object_as_text_is_refused_everywhere(text: str) -> None:
    """As an argument, and as the whole body; inside an argument too, where PowerShell put it into a string."""
    for given in (text, f"{URL}/{text}") if not text.startswith("@") else (text,):
        with pytest.raises(UsageError, match="made into text"):
            refuse_slip(given, "SERVICE")
    with pytest.raises(UsageError, match="The body is an object"):
        refuse_slip_in_body(text)


@pytest.mark.parametrize("text", ["\\", "`", "^", "...", "…", "graph\\"])
def test_a_pasted_line_is_refused(text: str) -> None:
    """Continuations of other shells, and a page's ellipsis."""
    with pytest.raises(UsageError, match="on one line"):
        refuse_slip(text, "SERVICE")


@pytest.mark.parametrize("url", [f"{URL}?=1", f"{URL}?=id&=5", f"{URL}?a=1&=5", "/subscriptions?=2022-12-01"])
def test_a_parameter_that_lost_its_name_is_refused(url: str) -> None:
    """`$top` in double quotes is an empty variable in bash and PowerShell."""
    with pytest.raises(UsageError, match="without a name"):
        refuse_slip_in_url(url)


@pytest.mark.parametrize("text", ["{value:b}", "{a:1,b:{c:d}}", "{ value : b }", "[a,b]", "{access_token:{acrs:{}}}"])
def test_json_that_lost_its_quotes_is_refused(text: str) -> None:
    """Windows PowerShell 5.1 removes them from an argument."""
    with pytest.raises(UsageError, match="lost its double quotes"):
        refuse_slip_in_json(text, "The body", "Pipe it in.")


@pytest.mark.parametrize(
    "text",
    [
        "graph",
        "System.Read",
        "api://System.Example/.default",
        "C:\\certs\\",
        "file:C:\\x\\",
        "..",
        "a...b",
        "@me",
        "{id}",
        "x@{y}",
    ],
)
def test_what_may_be_meant_passes(text: str) -> None:
    """A scope, a path, a name that merely looks like one."""
    refuse_slip(text, "SERVICE")


@pytest.mark.parametrize("text", ["{}", "[]", "[1,2]", '{"a":1}', "{'a':1}", "text {a:b}", "[true]", "{"])
def test_a_body_that_may_be_meant_passes(text: str) -> None:
    """JSON, and text that is none."""
    refuse_slip_in_json(text, "The body", "Pipe it in.")
    refuse_slip_in_body(text)
    refuse_slip_in_body('{"why": "System.Object[]"}')
    refuse_slip_in_url(f"{URL}?$filter=a eq '?=b'&x==&y=&=")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["get", "graph", "\\"], "[SERVICE|URL|SCOPE]... is '\\\\'"),
        (["login", "--tenant", "t", "\\"], "An argument is '\\\\'"),
        (["login", "..."], "An argument is '...'"),
        (["get", "graph", "--tenant", "System.Object[]"], "--tenant is an object"),
        (["get", "graph", "--claims", "{access_token:{}}"], "--claims is JSON that lost its double quotes"),
        (["request", "GET", f"{URL}?=1"], "a query parameter without a name"),
        (["request", "POST", URL, "-d", "{value:b}"], "The body is JSON that lost its double quotes"),
        (["request", "POST", URL, "-d", "System.Collections.Hashtable"], "The body is an object"),
        (["request", "POST", URL, "-d", "@{a=b}"], "The body is an object"),
        (["request", "GET", URL, "-H", "X: System.Object[]"], "--header is an object"),
    ],
)
def test_the_program_refuses_before_it_requests(tmp_path: Path, words: list[str], named: str) -> None:
    """Exit code 2 and the slip's name, with no identity needed; a token is not mentioned."""
    done = Program(tmp_path)(*words)
    assert (done.code, done.out) == (2, "")
    assert named in done.err
    assert "Do not put a token" not in done.err


def test_a_body_of_another_type_is_sent_as_it_is(at_entra: Program) -> None:
    """With a content type of its own, braces are not JSON: the API's refusal shows that it was sent."""
    done = at_entra("request", "POST", URL, "-d", "{value:b}", "-H", "Content-Type: text/plain")
    assert done.code == 4
    assert "lost" not in done.err


@needs_pwsh
def test_real_slips_of_powershell(at_entra: Program, tmp_path: Path) -> None:
    """What PowerShell itself makes of these lines is refused; the corrected line works."""
    program = f"""
    $PSNativeCommandUseErrorActionPreference = $false
    $secret = ConvertTo-SecureString 'x' -AsPlainText -Force
    mstoken request GET "{URL}?$top=1" 2>&1 | Select-Object -First 1
    mstoken request POST {URL} -d @{{ a = 'b' }} 2>&1 | Select-Object -First 1
    mstoken get graph --tenant $secret 2>&1 | Select-Object -First 1
    mstoken get graph --tenant "$([pscustomobject]@{{ a = 'b' }})" 2>&1 | Select-Object -First 1
    mstoken get graph \\ 2>&1 | Select-Object -First 1
    (mstoken request GET '{URL}?$top=1' | ConvertFrom-Json).value.Count
    """
    done = run_pwsh(program, at_entra.environment, tmp_path)
    found = done.stdout.splitlines()
    assert found[-1] == "1", done.stderr
    words = ("without a name", "The body is an object", "--tenant is an object", "--tenant is an object", "is '\\\\'")
    assert len(found) == 6
    assert all(word in line for word, line in zip(words, found, strict=False)), found


@needs_pwsh
def test_scopes_with_a_comma_are_two(at_entra: Program, tmp_path: Path, token_service: TokenService) -> None:
    """PowerShell passes `User.Read,Mail.Read` as one argument, quoted or not; both scopes are requested."""
    there = {"AZURE_AUTHORITY_HOST": token_service.url, "MSTOKEN_REFRESH_TOKEN": "r"}
    program = "mstoken get graph --scope User.Read,Mail.Read\nmstoken get graph --scope 'User.Read, Mail.Send'\n"
    done = run_pwsh(program, at_entra.environment | there, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    scopes = [
        {scope.rpartition("/")[2] for scope in request.form["scope"].split()} - {"offline_access", "openid", "profile"}
        for request in token_service.requests
    ]
    assert scopes == [{"User.Read", "Mail.Read"}, {"User.Read", "Mail.Send"}]

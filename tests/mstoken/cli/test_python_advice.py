"""Remedies name options to whoever reads them at a command line, and arguments to whoever writes Python."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

import pytest
from tests.support.program import Program

from entra_emulator import Emulator
from mstoken import Browser, Client, ClientSecret, Misconfigured, aadsts
from mstoken.cli import options
from mstoken.python_advice import as_python

CONTEXTS: tuple[dict[str, str], ...] = (
    {},
    {"tenant": "contoso.example", "client_id": "an 'id'", "resource": "graph", "claims": "e30"},
    {"profile": "work", "tenant": "contoso.example", "resource": "https://api.example/a b"},
)
PARAMETERS = {name for what in (Client, Client.get_token, Browser) for name in inspect.signature(what).parameters}
OWN_OPTIONS = {flag for option in (*options.IDENTITY, *options.GET, *options.LOGIN) for flag in option.flags}


def quoted() -> Iterator[tuple[str, str]]:
    """Each text between backticks that a Python program reads, with the code of its remedy."""
    for cause in aadsts.entries():
        for text in (cause.cause, cause.remedy):
            for context in CONTEXTS:
                yield from ((cause.code, part) for part in aadsts.fill(text, **context).split("`")[1::2])


def test_no_remedy_in_python_names_an_option() -> None:
    """Except as part of a whole command, such as `mstoken login --profile work`."""
    wrong = {(code, part) for code, part in quoted() if OWN_OPTIONS & set(part.split()[:1])}
    wrong |= {(code, part) for code, part in quoted() if part.startswith("mstoken get ") and "|" not in part}
    prose = [(cause.code, text) for cause in aadsts.entries() for text in aadsts.fill(cause.remedy).split("`")[::2]]
    wrong |= {(code, text) for code, text in prose if OWN_OPTIONS & set(re.findall(r"(?<!\w)--[a-z-]+", text))}
    assert not wrong


def test_every_call_and_argument_exists() -> None:
    """Calls are Python, and their arguments are parameters of `get_token`, of a client or of a credential."""
    calls = {part for _, part in quoted() if re.match(r"(get_token|Client)\b", part)}
    arguments = {part for _, part in quoted() if re.fullmatch(r"[a-z_]+=(\"[^\"]*\"|True)?", part)}
    assert len(calls) > 3
    assert {"tenant_id=", 'tenant_id="consumers"', "authority=", "fresh=True", "claims="} <= arguments
    for call in calls:
        parsed = ast.parse(call, mode="eval").body
        assert isinstance(parsed, ast.Call)
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in parsed.keywords}
        inspect.signature(Client.get_token).bind(None, *map(ast.literal_eval, parsed.args), **named)
    assert {argument.partition("=")[0] for argument in arguments} - {"prompt", "response_type"} <= PARAMETERS


@pytest.mark.parametrize(
    ("command", "python"),
    [
        ("--tenant", "tenant_id="),
        ("--tenant 'a b'", 'tenant_id="a b"'),
        ("--fresh", "fresh=True"),
        ("mstoken get graph --profile work --tenant t --fresh", 'get_token("graph", tenant_id="t", fresh=True)'),
        ("mstoken get 'a \"b\"'", 'get_token("a \\"b\\"")'),
        ("mstoken get graph | mstoken inspect", "mstoken get graph | mstoken inspect"),
        ("mstoken login --tenant t --client-id c", "mstoken login --tenant t --client-id c"),
        ("mstoken doctor", "mstoken doctor"),
        ("az vm identity assign --identities ID", "az vm identity assign --identities ID"),
        ("--identities ID", "--identities ID"),
        ("unfinished 'quotation", "unfinished 'quotation"),
        ("", ""),
    ],
)
def test_what_python_does_in_place_of_a_command(command: str, python: str) -> None:
    """The options of other programs, and commands that serve both readers, stay as they are."""
    assert as_python(command) == python


@pytest.mark.parametrize(
    ("tenant", "options", "python"),
    [
        ("organizations", "Name it with `--tenant`,", "Name it with `tenant_id=`,"),
        ("consumers", "Name the tenant with `--tenant`,", "Name the tenant with `tenant_id=`,"),
        ("nowhere.example", "and the cloud (`--cloud`).", "and the cloud (`authority=`)."),
    ],
)
def test_a_refusal_advises_its_reader(
    at_entra: Program, entra: Emulator, monkeypatch: pytest.MonkeyPatch, tenant: str, options: str, python: str
) -> None:
    """The same refusal by the emulator, at a command line and in a Python program."""
    at_shell = at_entra("get", "graph", "--tenant", tenant)
    assert (at_shell.code, at_shell.out) == (4, "")
    assert options in at_shell.err
    monkeypatch.setenv("SSL_CERT_FILE", entra.environment()["SSL_CERT_FILE"])
    app = entra.state.default_app
    client = Client(tenant, app.id, ClientSecret(app.secrets[0].value), authority=entra.authority)
    with pytest.raises(Misconfigured) as caught:
        client.get_token("graph")
    assert python in caught.value.remedy
    assert options not in str(caught.value)

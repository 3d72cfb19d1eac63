"""The calls that docs/python.md lists are those of both clients."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from mstoken import AsyncClient, Client

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "python.md").read_text("utf-8")
CALLS = dict(re.findall(r"^\| `(\w+)\(([^`]*)\)`", PAGE, re.MULTILINE))
OPTIONS = ["min_ttl", "fresh"]  # of `**options`


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_listed_call_is_as_the_clients_have_it(name: str) -> None:
    """The same parameters in the same order, in the page, in Client and in AsyncClient."""
    told = [part.split("=")[0].strip().lstrip("*") for part in CALLS[name].split(",") if part.strip()]
    for client in (Client, AsyncClient):
        parameters = list(inspect.signature(getattr(client, name)).parameters.values())[1:]
        names = [parameter.name for parameter in parameters]
        open_ended = bool(parameters) and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
        taken = [*names[:-1], *OPTIONS] if open_ended else names
        assert told == taken


def test_what_programs_call_is_listed() -> None:
    """No call of the clients that a program is meant for is left out."""
    methods = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")}
    assert methods - set(CALLS) == {"token_request", "target"}  # for tools that look into what would be asked

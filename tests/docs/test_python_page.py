"""docs/python.md shows the clients' real signatures, and both clients have the same ones."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mstoken import AsyncClient, Client

TOOL = Path(__file__).resolve().parents[2] / "tools" / "docs_python.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """tools/docs_python.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_python", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_the_signatures_of_the_code() -> None:
    """What the generator would write is what the page says."""
    assert subprocess.run([sys.executable, str(TOOL), "--check"], check=False).returncode == 0


def test_the_generator_notices_another_signature(tool: ModuleType) -> None:
    """A page with an option that the code does not have is stale."""
    text = tool.PAGE.read_text("utf-8")
    assert tool.page(text.replace("fresh: bool = False", "freshh: bool = False")) == text


def test_both_clients_have_the_same_methods_and_parameters(tool: ModuleType) -> None:
    """AsyncClient takes what Client takes, in the same order and with the same defaults."""
    blocking, asyncio = (tool.methods(client) for client in (Client, AsyncClient))
    assert list(blocking) == list(asyncio)
    for name, signature in blocking.items():
        assert signature.parameters == asyncio[name].parameters


def test_no_method_hides_its_options() -> None:
    """An editor shows every option; none hides behind ** (PEP 692)."""
    for name, function in inspect.getmembers(Client, inspect.isfunction):
        if not name.startswith("_"):
            kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
            assert inspect.Parameter.VAR_KEYWORD not in kinds, name

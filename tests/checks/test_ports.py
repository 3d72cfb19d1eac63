"""The ports of the flows stay three, and each fits on a screen."""

from __future__ import annotations

import ast
from pathlib import Path

from mstoken.runtimes.asyncio import AsyncioRuntime
from mstoken.runtimes.blocking import BlockingRuntime

SOURCE = Path(__file__).resolve().parents[2] / "src" / "mstoken" / "flows" / "port.py"
PORTS = ["HttpPort", "AccessTokenPort", "RefreshTokenPort"]
CLASSES = {node.name: node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.ClassDef)}


def test_the_port_is_three_ports_and_nothing_else() -> None:
    """`Port` has no method of its own."""
    port = CLASSES["Port"]
    assert [ast.unparse(base) for base in port.bases] == [*PORTS, "Protocol"]
    assert [type(part) for part in port.body] == [ast.Expr]


def test_each_port_fits_on_a_screen() -> None:
    """A port that grows past 40 lines has a second subject."""
    for name in PORTS:
        node = CLASSES[name]
        assert (node.end_lineno or 0) - node.lineno < 40, name


def test_both_runtimes_have_every_method() -> None:
    """What a flow may call is there, blocking and under asyncio."""
    names = {
        part.name
        for name in PORTS
        for part in ast.walk(CLASSES[name])
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for runtime in (BlockingRuntime, AsyncioRuntime):
        assert {name for name in names if not hasattr(runtime, name)} == set()

"""What both command races share: our command, az, and a minimal MSAL script."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measures.import_time import BARE, bare
from bench.racing import Contender
from bench.results import Unavailable
from bench.run import output_of, timed_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.run import Bench

AZ = "az account get-access-token"
MSAL = "a script with MSAL and msal-extensions"


def mstoken_command() -> str:
    """The installed command beside this interpreter. Raises Unavailable."""
    command = Path(sys.executable).with_name("mstoken")
    if not command.exists():
        raise Unavailable("the mstoken command is not installed beside this Python")
    return str(command)


def ours(bench: Bench, name: str, *words: str, authorities: Callable[[], str] | None = None) -> Contender:
    """`mstoken get graph …`, checked once to print a token and nothing else.

    `authorities` gives the folder of certificate authorities to trust; without it that is the bench's bundle.
    """
    checked = False

    def run() -> Mapping[str, float]:
        nonlocal checked
        command, environment = [mstoken_command(), "get", "graph", *words], bench.environment()
        if authorities is not None:
            environment = {**environment, "SSL_CERT_DIR": authorities()}
        if not checked:
            printed = output_of(command, environment).split()
            if len(printed) != 1 or not printed[0].startswith("eyJ"):
                raise Unavailable("mstoken get graph printed something that is not a token")
            checked = True
        return timed_command(command, environment)

    return Contender(name, "ours", run)


def msal_script(bench: Bench, *, cached: bool) -> Contender:
    """The shortest script that keeps MSAL's tokens in a file; without its file it has to ask."""
    cache = bench.folder / f"msal-{cached}.json"
    command = [sys.executable, "-m", "bench.contenders.msal_script", bench.service.url, str(cache)]
    return Contender(MSAL, "peer", _forgetting(cache, command, bench, cached=cached))


def _forgetting(cache: Path, command: list[str], bench: Bench, *, cached: bool) -> Callable[[], Mapping[str, float]]:
    def run() -> Mapping[str, float]:
        if not cached:
            cache.unlink(missing_ok=True)
        return timed_command(command, {**bench.environment(), "PYTHONPATH": str(Path(__file__).parents[2])})

    return run


def az(bench: Bench, *, cached: bool) -> Contender:
    """az from its cache of tokens, or with that cache removed before every run."""

    def run() -> Mapping[str, float]:
        if bench.az is None:
            raise Unavailable("not asked for: run with --with-az, which installs azure-cli (large)")
        if not cached:
            bench.az.forget()
        return timed_command(bench.az.get_token(), bench.az.env)

    return Contender(AZ, "peer", run)


__all__ = ["AZ", "BARE", "MSAL", "az", "bare", "msal_script", "mstoken_command", "ours"]

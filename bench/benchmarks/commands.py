"""The commands that print a token: mstoken, az, and a minimal script with MSAL."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.benchmarks.import_time import BARE, bare
from bench.parameters import ROOT
from bench.processes import output_of, timed_command
from bench.results import Unavailable
from bench.rounds import Candidate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.az import Az
    from bench.run import Bench

AZ = "az account get-access-token"
MSAL = "a script with MSAL and msal-extensions"


def mstoken_command() -> str:
    """The installed command beside this interpreter. Raises Unavailable."""
    command = Path(sys.executable).with_name("mstoken")
    if not command.exists():
        raise Unavailable("the mstoken command is not installed beside this Python")
    return str(command)


def mstoken(bench: Bench, name: str, *options: str, authorities: Callable[[], str] | None = None) -> Candidate:
    """`mstoken get graph OPTIONS`, which is checked once to print a token and nothing else.

    `authorities` returns the folder of certificate authorities to trust; without it, that is the bench's bundle.
    """
    checked = False

    def run() -> Mapping[str, float]:
        nonlocal checked
        command, environment = [mstoken_command(), "get", "graph", *options], bench.environment()
        if authorities is not None:
            for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
                del environment[variable]
            environment["SSL_CERT_DIR"] = authorities()
        if not checked:
            printed = output_of(command, environment).split()
            if len(printed) != 1 or not printed[0].startswith("eyJ"):
                raise Unavailable("mstoken get graph printed something that is not a token")
            checked = True
        return timed_command(command, environment)

    return Candidate(name, "ours", run)


def mstoken_beside_az(bench: Bench, name: str) -> Candidate:
    """`mstoken get graph` for a user whose only identity is the sign-in of az. From the second run, it is cached.

    It has a home of its own, without tokens of another identity. The first run is checked to print a token.
    """
    checked = False

    def run() -> Mapping[str, float]:
        nonlocal checked
        if bench.az is None:
            raise Unavailable(NO_AZ)
        command, environment = [mstoken_command(), "get", "graph"], _environment_beside_az(bench, bench.az)
        if not checked:
            if not output_of(command, environment).startswith("eyJ"):
                raise Unavailable("mstoken get graph printed something that is not a token")
            checked = True
        return timed_command(command, environment)

    return Candidate(name, "ours", run)


def _environment_beside_az(bench: Bench, az: Az) -> dict[str, str]:
    """The environment of az's user: az on the PATH, and no application, profile or token of mstoken."""
    runtime = bench.folder / "runtime-beside-az"
    runtime.mkdir(mode=0o700, exist_ok=True)
    own = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    environment = {name: value for name, value in az.env.items() if name not in own}
    return {
        **environment,
        "PATH": f"{Path(az.command).parent}{os.pathsep}{environment['PATH']}",
        "XDG_RUNTIME_DIR": str(runtime),
        "AZURE_TOKEN_CREDENTIALS": "AzureCliCredential",  # on a machine in Azure, its own identity would be used
    }


def msal_script(bench: Bench, *, cached: bool) -> Candidate:
    """The shortest script that caches MSAL's tokens in a file; `cached` says whether the file has a token."""
    cache = bench.folder / f"msal-{cached}.json"
    command = msal_command(bench.service.url, cache)

    def run() -> Mapping[str, float]:
        if not cached:
            cache.unlink(missing_ok=True)
        return timed_command(command, msal_environment(bench))

    return Candidate(MSAL, "peer", run)


def msal_command(url: str, cache: Path) -> list[str]:
    """The script for a service at `url`."""
    return [sys.executable, "-m", "bench.clients.msal_script", url, str(cache)]


def msal_environment(bench: Bench) -> dict[str, str]:
    """The environment that the script runs in, from whatever folder."""
    return {**bench.environment(), "PYTHONPATH": str(ROOT)}


def az(bench: Bench, *, cached: bool) -> Candidate:
    """az from its cache of tokens, or with that cache removed before every run."""

    def run() -> Mapping[str, float]:
        if bench.az is None:
            raise Unavailable(NO_AZ)
        if not cached:
            bench.az.clear_tokens()
        return timed_command(bench.az.get_token(), bench.az.env)

    return Candidate(AZ, "peer", run)


NO_AZ = "use --with-az, which installs azure-cli (large)"

__all__ = [
    "AZ", "BARE", "MSAL", "NO_AZ", "az", "bare", "msal_command", "msal_environment", "msal_script", "mstoken",
    "mstoken_beside_az", "mstoken_command",
]  # fmt: skip

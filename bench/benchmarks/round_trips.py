"""Round trips on the wire until a program that has just started has its token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.az import Az
from bench.benchmarks import commands
from bench.parameters import ROOT, TENANT
from bench.processes import output_of
from bench.results import Goal, Result, Unavailable
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bench.run import Bench
    from bench.service import Relay

NAME = "round-trips"
OURS = "mstoken get graph --fresh"
BARE = "bare http.client"
LEAST = 3
DELAY_IN = 0.1
"""Seconds each way: more than any client computes between two messages, so that those it sends together count once."""


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "Round trips from cold to a token",
        f"Counted by a relay between client and service that takes {DELAY_IN * 1000:.0f} ms each way: how often a new "
        "process sends something and waits for the answer. TCP takes one round trip, TLS 1.3 one, and the token "
        "request one. MSAL and az also read the tenant's OpenID configuration. Microsoft's list of authorities, which "
        "both would read from another host, is switched off, because it does not have the local service.",
    )
    with bench.service.at_a_distance(DELAY_IN) as relay:
        cache = bench.folder / "msal-distant.json"
        candidates = [
            Candidate(BARE, "baseline", _counted(relay, lambda: _bare(bench, relay.url))),
            Candidate(OURS, "ours", _counted(relay, lambda: _mstoken(bench, relay.url))),
            Candidate(commands.MSAL, "peer", _counted(relay, lambda: _msal(bench, relay.url, cache))),
            Candidate(commands.AZ, "peer", _counted(relay, _az(bench, relay.url))),
        ]
        run_rounds(result, candidates, bench.pick(tiny=1, quick=3, full=5), warm_up=False, log=bench.log)
    result.value(Goal("round trips from cold to a token", "round_trips", "at most", LEAST), OURS, beside=commands.AZ)
    return result


def _counted(relay: Relay, get_token: Callable[[], None]) -> Callable[[], Mapping[str, float]]:
    def run() -> Mapping[str, float]:
        relay.counts()
        get_token()
        counts = relay.counts()
        return {"round_trips": counts["round_trips"], "connections": counts["connections"]}

    return run


def _bare(bench: Bench, url: str) -> None:
    bench.run_client("bare_http:one_token", url=url, tenant=TENANT)


def _mstoken(bench: Bench, url: str) -> None:
    output_of([commands.mstoken_command(), "get", "graph", "--fresh"], bench.environment(url))


def _msal(bench: Bench, url: str, cache: Path) -> None:
    cache.unlink(missing_ok=True)
    output_of(commands.msal_command(url, cache), {**bench.environment(), "PYTHONPATH": str(ROOT)})


def _az(bench: Bench, url: str) -> Callable[[], None]:
    """az, signed in through the relay before its first round."""
    signed_in: list[Az] = []

    def get_token() -> None:
        if bench.az is None:
            raise Unavailable(commands.NO_AZ)
        if not signed_in:
            signed_in.append(Az(bench.folder / "az-distant", bench.environment(), url))
            signed_in[0].sign_in()
        signed_in[0].clear_tokens()
        output_of(signed_in[0].get_token(), signed_in[0].env)

    return get_token

"""A cached token in the memory of the process, beside many others."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.results import Goal, Kind, Result, Series
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Bench

NAME = "memory-hit"
MOST = 100_000
_MANY = 10_000
_OURS = (("mstoken", "mstoken_client:hit_blocking"), ("mstoken, asyncio", "mstoken_client:hit_asyncio"))
_RANDOM = ", random order"
_WHY_GROWN = (
    "In random order every call waits for memory that the processor's caches do not hold. The look-up is one in a "
    "dict, and a call for the same token again does not become slower."
)
_DICT = "plain dict, random order"
_PEERS = (
    ("MSAL", "msal_python:hit"),
    ("azure-identity", "azure_identity:hit_blocking"),
    ("azure-identity, asyncio", "azure_identity:hit_asyncio"),
)


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "A hit in memory",
        "The time of one call, as the median of batches that are long enough to time, in a process of its own. The "
        "cache has tokens of so many tenants, and the calls ask for the same one: the last one added for mstoken, the "
        "middle one for the peers. In random order every call also waits for memory that the processor's caches do not "
        "hold, as a look-up in a plain dict does.",
    )
    sizes = bench.pick(tiny=(1, 100), quick=(1, 1000, _MANY), full=(1, 1000, _MANY, MOST))
    candidates = [*_ours(bench, sizes), *_peers(bench, sizes)]
    run_rounds(result, candidates, bench.pick(tiny=1, quick=3, full=3), warm_up=False, log=bench.log)
    _judge(result, sizes[-1], min(sizes[-1], _MANY))
    for name in [name for name, _ in (*_OURS, *_PEERS)] + [name + _RANDOM for name, _ in _OURS] + [_DICT]:
        _add_series(result, name, sizes)
    return result


def _ours(bench: Bench, sizes: Sequence[int]) -> list[Candidate]:
    return [
        Candidate(named(name, entries), "ours", partial(bench.run_client, target, entries=entries))
        for name, target in _OURS
        for entries in sizes
    ] + [
        Candidate(
            named(name + _RANDOM, entries), "ours", partial(bench.run_client, target, entries=entries, spread=True)
        )
        for name, target in _OURS
        for entries in sizes
    ]


def _peers(bench: Bench, sizes: Sequence[int]) -> list[Candidate]:
    url = bench.service.url
    dicts = [
        Candidate(named(_DICT, entries), "baseline", partial(bench.run_client, "timing:plain_dict", entries=entries))
        for entries in sizes
    ]
    return dicts + [
        Candidate(named(name, entries), "peer", partial(bench.run_client, target, url=url, entries=entries))
        for name, target in _PEERS
        for entries in sizes
        if entries <= _MANY
    ]


def named(name: str, entries: int) -> str:
    """The candidate's name with its number of entries."""
    return f"{name}, {entries:,} {'entry' if entries == 1 else 'entries'}"


def _judge(result: Result, most: int, peers_most: int) -> None:
    for (name, _), limit, peers in zip(
        _OURS, (3e-6, 5e-6), (("MSAL", "azure-identity"), ("azure-identity, asyncio",)), strict=True
    ):
        goal = Goal("a hit in memory", "seconds", "at most", limit)
        for entries in (1, most):
            result.value(goal, named(name, entries), beside=named(peers[0], min(entries, peers_most)))
        result.value(goal, named(name + _RANDOM, most), beside=named(_DICT, most))
        growth = Goal("growth of a hit with entries", "seconds", "at most", 1.5, _WHY_GROWN)
        result.ratio(growth, named(name, most), named(name, 1))
        result.ratio(growth, named(name + _RANDOM, most), named(name, 1))
        faster = Goal("a hit in memory", "seconds", "at least", 10)
        for peer in peers:
            for entries in (1, peers_most):
                result.ratio(faster, named(name, entries), named(peer, entries), inverse=True)


def _add_series(result: Result, name: str, sizes: Sequence[int]) -> None:
    points: list[tuple[float, float]] = []
    kind: Kind = "peer"
    for entries in sizes:
        if (measured := result.candidate(named(name, entries))) is not None:
            kind = measured.kind
            points.append((entries, measured.median("seconds")))
    if points:
        result.series.append(Series(name, kind, "tokens in the cache", "seconds", points))

"""A token that this process has already got, beside many others."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.racing import Contender, race
from bench.results import Curve, Goal, Kind, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Bench

NAME = "memory-hit"
MOST = 100_000
_MANY = 10_000
_OURS = (("mstoken", "ours:hit_blocking"), ("mstoken, asyncio", "ours:hit_asyncio"))
_RANDOM = ", random order"
_WHY_GROWN = (
    "In random order every call waits for memory that the processor's caches do not hold, at this number of entries; "
    "the look-up is one in a dict. With the same token asked for again nothing grows."
)
_DICT = "plain dict, random order"
_PEERS = (
    ("MSAL", "msal_peer:hit"),
    ("azure-identity", "azure_peer:hit_blocking"),
    ("azure-identity, asyncio", "azure_peer:hit_asyncio"),
)


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "A hit in memory",
        "Time of a call, the median of batches long enough to time, in a process of its own. The cache holds tokens of "
        "so many tenants, and the same one is asked for again and again, got last of all by ours and half-way through "
        "by the peers. In random order every call also pays for memory that the processor's caches do not hold; "
        "a plain dict does so too and is shown beside.",
    )
    sizes = bench.pick(tiny=(1, 100), quick=(1, 1000, _MANY), full=(1, 100, 1000, _MANY, MOST))
    contenders = [*_ours(bench, sizes), *_peers(bench, sizes)]
    race(result, contenders, bench.pick(tiny=1, quick=3, full=5), warm_up=False, say=bench.say)
    _judge(result, sizes[-1], min(sizes[-1], _MANY))
    for name in [name for name, _ in (*_OURS, *_PEERS)] + [name + _RANDOM for name, _ in _OURS] + [_DICT]:
        _curve(result, name, sizes)
    return result


def _ours(bench: Bench, sizes: Sequence[int]) -> list[Contender]:
    return [
        Contender(named(name, entries), "ours", partial(bench.in_process, target, entries=entries))
        for name, target in _OURS
        for entries in sizes
    ] + [
        Contender(
            named(name + _RANDOM, entries), "ours", partial(bench.in_process, target, entries=entries, spread=True)
        )
        for name, target in _OURS
        for entries in sizes
    ]


def _peers(bench: Bench, sizes: Sequence[int]) -> list[Contender]:
    url = bench.service.url
    dicts = [
        Contender(named(_DICT, entries), "floor", partial(bench.in_process, "hits:plain_dict", entries=entries))
        for entries in sizes
    ]
    return dicts + [
        Contender(named(name, entries), "peer", partial(bench.in_process, target, url=url, entries=entries))
        for name, target in _PEERS
        for entries in sizes
        if entries <= _MANY
    ]


def named(name: str, entries: int) -> str:
    """The contender's name with its number of entries."""
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


def _curve(result: Result, name: str, sizes: Sequence[int]) -> None:
    points: list[tuple[float, float]] = []
    kind: Kind = "peer"
    for entries in sizes:
        if (entrant := result.entrant(named(name, entries))) is not None:
            kind = entrant.kind
            points.append((entries, entrant.median("seconds")))
    if points:
        result.curves.append(Curve(name, kind, "tokens in the cache", "seconds", points))

"""Whatever bytes come: a value or an error on purpose, and soon."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.parsers import TARGETS, run
from tests.support.seeds import SEEDS

EXAMPLES = 1000 if os.environ.get("MSTOKEN_LONG_TESTS") else 80

_words = st.sampled_from(
    [
        "access_token expires_in refresh_in token_type scope error error_description error_codes suberror claims value",
        "refresh_token id_token foci device_code user_code verification_uri interval message account_type id tags",
        "key current previous about authority tenant created_on renewed_on renewals ended_by aud iss exp nbf m u p ts",
        "attributes nextLink oidcToken expires_on not_before resource client_id error_uri trace_id timestamp token",
    ]
).flatmap(lambda line: st.sampled_from(line.split()))
_odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=60),
    st.sampled_from(
        ["0", "-1", "1e400", "NaN", "soon", "3599", "\x1b[31m", "AADSTS50076: no", "https://", "\udc80", 10**400]
    ),
)
_json = st.recursive(
    _odd, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=6), max_leaves=12
)
_bodies = st.dictionaries(_words, _json, max_size=9).map(lambda body: json.dumps(body).encode("utf-8", "surrogatepass"))
_seeds = st.sampled_from(SEEDS)


@st.composite
def _harmed(draw: st.DrawFn) -> bytes:
    """Something well made, cut, doubled or with bytes changed."""
    made = bytearray(draw(_seeds | _bodies))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, max(0, len(made) - 1)))
        match draw(st.integers(0, 3)):
            case 0:
                del made[place : place + draw(st.integers(1, 20))]
            case 1:
                made[place:place] = draw(st.binary(max_size=8))
            case 2 if made:
                made[place] = draw(st.integers(0, 255))
            case _:
                made += made[place:]
    return bytes(made[:20_000])


_foreign = st.one_of(
    st.binary(max_size=300),
    _harmed(),
    st.tuples(st.integers(0, 11), _seeds | st.just(b""), _bodies | _harmed()).map(
        lambda parts: bytes([parts[0]]) + parts[1] + b"\n" + parts[2]
    ),
    st.tuples(st.integers(128, 255), _bodies).map(lambda parts: bytes([parts[0]]) + parts[1]),
)


@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_break_a_parser(name: str) -> None:
    """Each gives a value or an error of our own, for what is known to be odd, random bytes and nearly right ones."""
    for seed in SEEDS:
        run(name, seed)

    @settings(max_examples=EXAMPLES, deadline=5000, database=None)
    @given(data=_foreign)
    def claim(data: bytes) -> None:
        run(name, data)

    claim()

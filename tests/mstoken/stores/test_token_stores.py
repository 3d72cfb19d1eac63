"""What every store of access tokens does."""

from __future__ import annotations

import threading

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mstoken.flows.store_port import TokenStore
from mstoken.model import Token

KEY, OTHER = "0" * 40, "1" * 40
TOKEN = Token("eyJ0.access.token", 4_000_000_000, "pop", 3_999_999_000, "https://graph.microsoft.com/.default openid")


def test_a_token_comes_back_as_it_was_put_in(tokens: TokenStore) -> None:
    """Every field survives."""
    tokens.save(KEY, TOKEN)
    assert tokens.load(KEY) == TOKEN
    assert tokens.load(KEY).token == TOKEN.token  # type: ignore[union-attr]


def test_what_the_service_did_not_say_stays_unsaid(tokens: TokenStore) -> None:
    """A token with no renewal time and no scope comes back without."""
    plain = Token("t", 4_000_000_000)
    tokens.save(KEY, plain)
    assert tokens.load(KEY) == plain


def test_an_unknown_key_is_a_miss(tokens: TokenStore) -> None:
    """Nothing is found where nothing was put, before the first save and after."""
    assert tokens.load(KEY) is None
    tokens.save(KEY, TOKEN)
    assert tokens.load(OTHER) is None


def test_the_later_token_replaces_the_earlier(tokens: TokenStore) -> None:
    """A key holds one token."""
    tokens.save(KEY, TOKEN)
    tokens.save(KEY, Token("later", 4_000_000_001))
    assert tokens.load(KEY) == Token("later", 4_000_000_001)


def test_deleting_takes_one_token_and_no_other(tokens: TokenStore) -> None:
    """Delete forgets its key only, and may be asked twice."""
    tokens.save(KEY, TOKEN)
    tokens.save(OTHER, TOKEN)
    tokens.delete(KEY)
    tokens.delete(KEY)
    assert (tokens.load(KEY), tokens.load(OTHER)) == (None, TOKEN)


def test_clearing_forgets_all_and_says_how_many(tokens: TokenStore) -> None:
    """Clear counts what it forgot, and an empty store has nothing to forget."""
    assert tokens.clear() == 0
    tokens.save(KEY, TOKEN)
    tokens.save(OTHER, TOKEN)
    assert tokens.clear() == 2
    assert (tokens.load(KEY), tokens.load(OTHER)) == (None, None)
    tokens.save(KEY, TOKEN)
    assert tokens.load(KEY) == TOKEN


def test_keys_that_are_no_digests_are_kept_apart(tokens: TokenStore) -> None:
    """A key may be any text, even one that would leave the folder as a file name."""
    names = ["account:anna", "../escape", "a/b", "é", "x" * 500, ""]
    for number, name in enumerate(names):
        tokens.save(name, Token(f"t{number}", 4_000_000_000))
    found = [kept.token if (kept := tokens.load(name)) else None for name in names]
    assert found == [f"t{number}" for number in range(len(names))]


def test_two_keys_may_be_asked_for_one_inside_the_other(tokens: TokenStore) -> None:
    """The refresh flow asks for an account's turn within a token's turn; that must not wait for itself."""
    with tokens.exclusive(KEY), tokens.exclusive("account:anna"):
        tokens.save(KEY, TOKEN)
    with tokens.exclusive("account:anna"), tokens.exclusive(KEY):
        assert tokens.load(KEY) == TOKEN


def test_a_turn_may_be_entered_and_left_in_different_threads(tokens: TokenStore) -> None:
    """Asyncio enters and leaves in whatever thread is free."""
    turn = tokens.exclusive(KEY)
    entering = threading.Thread(target=turn.__enter__)
    entering.start()
    entering.join()
    turn.__exit__(None, None, None)
    with tokens.exclusive(KEY):
        pass


def test_threads_may_share_a_store(tokens: TokenStore) -> None:
    """Eight threads writing and reading their own tokens never miss one."""
    missed: list[str] = []

    def work(thread: int) -> None:
        for number in range(30):
            key = f"{thread:02x}{number:038x}"
            tokens.save(key, Token(key, 4_000_000_000))
            kept = tokens.load(key)
            if kept is None or kept.token != key:
                missed.append(key)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missed == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(min_size=1), kind=st.text(), scope=st.text(), due=st.none() | st.integers(-5, 2**40))
def test_whatever_a_service_says_the_caller_has_the_token(
    tokens: TokenStore, value: str, kind: str, scope: str, due: int | None
) -> None:
    """A token with odd characters is kept whole or kept in memory; saving it never fails and never mixes up fields."""
    token = Token(value, 4_000_000_000, kind, due, scope)
    tokens.save(KEY, token)
    kept = tokens.load(KEY)
    assert kept is not None
    assert (kept.token, kept.expires_on, kept.token_type, kept.refresh_on) == (value, 4_000_000_000, kind, due)
    assert kept.scope.split() == scope.split()


def test_no_store_shows_a_token(tokens: TokenStore) -> None:
    """Neither repr nor str of a store holds what it keeps."""
    tokens.save(KEY, TOKEN)
    assert TOKEN.token not in repr(tokens) + str(tokens) + repr(tokens.load(KEY))

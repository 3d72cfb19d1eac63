"""What every store of access tokens does."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.locks import is_free

from mstoken.flows.store_port import AccessTokenStore
from mstoken.model import Note, Token, TokenInfo
from mstoken.stores.memory import MemoryAccessTokens

KEY, OTHER = "0" * 40, "1" * 40
TOKEN = Token("eyJ0.access.token", 4_000_000_000, "pop", 3_999_999_000, "https://graph.microsoft.com/.default openid")


def test_a_token_is_loaded_as_it_was_saved(tokens: AccessTokenStore) -> None:
    """Every field survives."""
    tokens.save(KEY, TOKEN)
    assert tokens.load(KEY) == TOKEN
    assert tokens.load(KEY).token == TOKEN.token  # type: ignore[union-attr]


def test_optional_fields_stay_absent(tokens: AccessTokenStore) -> None:
    """A token with no renewal time and no scope comes back without."""
    plain = Token("t", 4_000_000_000)
    tokens.save(KEY, plain)
    assert tokens.load(KEY) == plain


def test_an_unknown_key_is_a_miss(tokens: AccessTokenStore) -> None:
    """Nothing is found where nothing was put, before the first save and after."""
    assert tokens.load(KEY) is None
    tokens.save(KEY, TOKEN)
    assert tokens.load(OTHER) is None


def test_the_later_token_replaces_the_earlier(tokens: AccessTokenStore) -> None:
    """A key holds one token."""
    tokens.save(KEY, TOKEN)
    tokens.save(KEY, Token("later", 4_000_000_001))
    assert tokens.load(KEY) == Token("later", 4_000_000_001)


def test_deleting_removes_one_token_and_no_other(tokens: AccessTokenStore) -> None:
    """Delete forgets its key only, and may be asked twice."""
    tokens.save(KEY, TOKEN)
    tokens.save(OTHER, TOKEN)
    tokens.delete(KEY)
    tokens.delete(KEY)
    assert (tokens.load(KEY), tokens.load(OTHER)) == (None, TOKEN)


def test_clearing_removes_all_tokens_and_returns_their_number(tokens: AccessTokenStore) -> None:
    """Clear counts what it forgot, and an empty store has nothing to forget."""
    assert tokens.clear() == 0
    tokens.save(KEY, TOKEN)
    tokens.save(OTHER, TOKEN)
    assert tokens.clear() == 2
    assert (tokens.load(KEY), tokens.load(OTHER)) == (None, None)
    tokens.save(KEY, TOKEN)
    assert tokens.load(KEY) == TOKEN


def test_keys_that_are_no_digests_do_not_collide(tokens: AccessTokenStore) -> None:
    """A key may be any text, even one that would leave the folder as a file name."""
    names = ["account:anna", "../escape", "a/b", "é", "x" * 500, ""]
    for number, name in enumerate(names):
        tokens.save(name, Token(f"t{number}", 4_000_000_000))
    found = [kept.token if (kept := tokens.load(name)) else None for name in names]
    assert found == [f"t{number}" for number in range(len(names))]


def test_only_one_caller_holds_the_lock(tokens: AccessTokenStore) -> None:
    """Who comes second is told at once, also by another way to the same store, and has it when the first is done."""
    release = tokens.try_lock(KEY)
    assert release is not None
    assert tokens.try_lock(KEY) is None
    release()
    assert is_free(tokens, KEY)


def test_one_caller_can_lock_two_keys(tokens: AccessTokenStore) -> None:
    """The refresh flow asks for an account's turn within a token's turn; that must not wait for itself."""
    for first, second in ((KEY, "account:anna"), ("account:anna", KEY)):
        outer, inner = tokens.try_lock(first), tokens.try_lock(second)
        assert outer is not None
        assert inner is not None
        outer()
        assert not is_free(tokens, second)
        inner()
        assert is_free(tokens, second)


def test_a_lock_can_be_released_from_another_thread(tokens: AccessTokenStore) -> None:
    """Asyncio takes and ends it in whatever thread is free."""
    taken: list[Callable[[], None] | None] = []
    taking = threading.Thread(target=lambda: taken.append(tokens.try_lock(KEY)))
    taking.start()
    taking.join()
    assert taken[0] is not None
    taken[0]()
    assert is_free(tokens, KEY)


def test_of_sixteen_threads_exactly_one_gets_the_lock(tokens: AccessTokenStore) -> None:
    """Sixteen at once: exactly one gets it."""
    start, taken = threading.Barrier(16), []

    def take() -> None:
        start.wait()
        taken.append(tokens.try_lock(KEY))

    threads = [threading.Thread(target=take) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [release] = filter(None, taken)
    release()
    assert is_free(tokens, KEY)


def test_threads_may_share_a_store(tokens: AccessTokenStore) -> None:
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
def test_any_token_can_be_saved_and_loaded(
    tokens: AccessTokenStore, value: str, kind: str, scope: str, due: int | None
) -> None:
    """A token with odd characters is kept whole or kept in memory; saving it never fails and never mixes up fields."""
    token = Token(value, 4_000_000_000, kind, due, scope)
    tokens.save(KEY, token)
    kept = tokens.load(KEY)
    assert kept is not None
    assert (kept.token, kept.expires_on, kept.token_type, kept.refresh_on) == (value, 4_000_000_000, kind, due)
    assert kept.scope.split() == scope.split()


NOTE = Note("throttled", 1_700_000_000, 4_000_000_000)


def test_a_note_is_loaded_as_it_was_saved(tokens: AccessTokenStore) -> None:
    """Every field survives; the latest note replaces the others; deleting twice is allowed."""
    assert tokens.load_note(KEY) is None
    tokens.save_note(KEY, NOTE)
    assert tokens.load_note(KEY) == NOTE
    assert tokens.load_note(OTHER) is None
    later = Note("", 1_700_000_001, 4_000_000_001)
    tokens.save_note(KEY, later)
    assert tokens.load_note(KEY) == later
    tokens.delete_note(KEY)
    tokens.delete_note(KEY)
    assert tokens.load_note(KEY) is None


def test_a_note_is_not_a_token(tokens: AccessTokenStore) -> None:
    """Under one key, a note and a token do not replace, delete or answer for each other; a note is not listed."""
    tokens.save_note(KEY, NOTE)
    assert tokens.load(KEY) is None
    tokens.save(KEY, TOKEN)
    assert (tokens.load(KEY), tokens.load_note(KEY)) == (TOKEN, NOTE)
    assert tokens.tokens() == []
    tokens.delete(KEY)
    assert (tokens.load(KEY), tokens.load_note(KEY)) == (None, NOTE)


def test_clearing_deletes_notes_and_counts_tokens(tokens: AccessTokenStore) -> None:
    """The number that `clear` returns is the number of tokens."""
    tokens.save_note(KEY, NOTE)
    tokens.save(OTHER, TOKEN)
    assert tokens.clear() == 1
    assert tokens.load_note(KEY) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(), written_on=st.integers(-5, 2**40), expires_on=st.integers(3_000_000_000, 2**40))
def test_any_text_can_be_a_note(tokens: AccessTokenStore, text: str, written_on: int, expires_on: int) -> None:
    """Line breaks, a line that looks like another field, and unpaired surrogates included."""
    for value in (text, f"{text}\ntext {text}\nend\n", f"\ud800{text}"):
        note = Note(value, written_on, expires_on)
        tokens.save_note(KEY, note)
        assert tokens.load_note(KEY) == note


def test_no_store_shows_a_token(tokens: AccessTokenStore) -> None:
    """Neither repr nor str of a store holds what it keeps."""
    tokens.save(KEY, TOKEN)
    assert TOKEN.token not in repr(tokens) + str(tokens) + repr(tokens.load(KEY))


GRAPH, ARM = "https://graph.microsoft.com/.default", "https://management.azure.com//.default"
ANNA = TokenInfo("https://login.microsoftonline.com", "contoso.onmicrosoft.com", "app-1", "anna", GRAPH)
JOB = TokenInfo("https://login.microsoftonline.com", "contoso.onmicrosoft.com", "app-1", "", ARM)
OTHERS = TokenInfo("https://login.microsoftonline.us", "fabrikam.onmicrosoft.us", "app-2", "ben", GRAPH)


def _fill(tokens: AccessTokenStore) -> None:
    for number, info in enumerate((ANNA, JOB, OTHERS)):
        tokens.save(f"{number}" * 40, Token(f"t{number}", 4_000_000_000 + number, scope="granted"), info)
    tokens.save_note("9" * 40, NOTE)


def test_tokens_lists_the_metadata_without_tokens_or_notes(tokens: AccessTokenStore) -> None:
    """The list gives what each token said of itself and when it ends, no token, and nothing of notes."""
    assert tokens.tokens() == []
    _fill(tokens)
    kept = tokens.tokens()
    assert [one.info for one in kept] == [ANNA, JOB, OTHERS]
    assert [one.expires_on for one in kept] == [4_000_000_000, 4_000_000_001, 4_000_000_002]
    assert "t0" not in repr(kept)
    assert tokens.load("0" * 40) == Token("t0", 4_000_000_000, scope="granted")


@pytest.mark.parametrize(
    ("info", "gone"),
    [
        (TokenInfo(tenant="CONTOSO.onmicrosoft.com"), [ANNA, JOB]),
        (TokenInfo(scope="https://graph.microsoft.com"), [ANNA, OTHERS]),
        (TokenInfo(account="ben"), [OTHERS]),
        (TokenInfo(tenant="contoso.onmicrosoft.com", scope="https://management.azure.com/"), [JOB]),
        (TokenInfo(client_id="app-3"), []),
        (TokenInfo(), [ANNA, JOB, OTHERS]),
    ],
)
def test_removing_by_filter_removes_matching_tokens_only(
    tokens: AccessTokenStore, info: TokenInfo, gone: list[TokenInfo]
) -> None:
    """By tenant, service, account or all of them, in any letter case; a note stays."""
    _fill(tokens)
    assert tokens.forget(info) == len(gone)
    assert [one.info for one in tokens.tokens()] == [one for one in (ANNA, JOB, OTHERS) if one not in gone]
    assert tokens.load_note("9" * 40) == NOTE
    assert tokens.forget(info) == 0


def test_tokens_with_unusual_keys_are_listed(tokens: AccessTokenStore) -> None:
    """A key that is no digest is listed and forgotten as others are."""
    tokens.save("account:anna", Token("t", 4_000_000_000), ANNA)
    assert [one.info for one in tokens.tokens()] == [ANNA]
    assert tokens.forget(ANNA) == 1
    assert tokens.load("account:anna") is None


def test_a_bounded_store_removes_a_tenants_remaining_tokens() -> None:
    """What had to go for others is gone from the index of tenants too, which so stays as small as the store."""
    store = MemoryAccessTokens(max_items=10)
    for number in range(100):
        store.save(f"{number:x}", Token("t", 4_000_000_000), TokenInfo(tenant=f"tenant-{number % 20}"))
    store.save("1", Token("again", 4_000_000_000), TokenInfo(tenant="tenant-99"))
    store.delete("63")
    assert len(store.tokens()) == 9
    assert sum(len(keys) for keys in store._tenant_index._keys.values()) == 9
    assert store.forget(TokenInfo(tenant="tenant-5")) == 0
    assert store.forget(TokenInfo(tenant="TENANT-99")) == 1
    assert store.forget(TokenInfo(tenant="tenant-15")) == 1
    assert store.clear() == 7
    assert store._tenant_index._keys == {}

"""What every store of refresh tokens does."""

from __future__ import annotations

import threading

from mstoken.flows.store_port import RefreshTokenStore, TokenInfo
from mstoken.model import StoredRefreshToken

KEY, OTHER = "account:anna", "value:0123"
INFO = TokenInfo("https://login.microsoftonline.com", "contoso.onmicrosoft.com", "11111111-2222-3333-4444-555555555555")


def test_a_new_store_is_empty(refresh_tokens: RefreshTokenStore) -> None:
    """An unknown sign-in is None, and there are no names."""
    assert refresh_tokens.load(KEY) is None
    assert refresh_tokens.list_sign_ins() == {}
    assert refresh_tokens.remove(KEY) is False


def test_the_first_renewal_stores_both_tokens(refresh_tokens: RefreshTokenStore) -> None:
    """Where nothing was kept, the new token is kept with the one it came from."""
    refresh_tokens.replace(KEY, "r0", "r1")
    assert refresh_tokens.load(KEY) == StoredRefreshToken("r1", "r0")


def test_a_renewal_of_the_current_token_replaces_it(refresh_tokens: RefreshTokenStore) -> None:
    """The current token becomes the previous one."""
    refresh_tokens.replace(KEY, "r0", "r1")
    refresh_tokens.replace(KEY, "r1", "r2")
    assert refresh_tokens.load(KEY) == StoredRefreshToken("r2", "r1")


def test_a_sign_in_has_its_authority_tenant_and_client(refresh_tokens: RefreshTokenStore) -> None:
    """What was told at the sign-in comes back with the token, also after renewals: it is sent nowhere else."""
    refresh_tokens.put(KEY, "r1", INFO)
    refresh_tokens.replace(KEY, "r1", "r2")
    kept = refresh_tokens.load(KEY)
    assert kept == StoredRefreshToken("r2", "r1")
    assert kept.authority == INFO.authority


def test_the_first_of_two_renewals_of_one_token_wins(refresh_tokens: RefreshTokenStore) -> None:
    """Compare and swap: who renewed an older token changes nothing."""
    refresh_tokens.replace(KEY, "r0", "r1")
    refresh_tokens.replace(KEY, "r1", "r2")
    refresh_tokens.replace(KEY, "r1", "late")
    refresh_tokens.replace(KEY, "unknown", "stranger")
    assert refresh_tokens.load(KEY) == StoredRefreshToken("r2", "r1")


def test_one_of_many_concurrent_writers_wins(refresh_tokens: RefreshTokenStore) -> None:
    """Sixteen threads renewing one token leave exactly one of their tokens, beside the one they renewed."""
    refresh_tokens.put(KEY, "r0", INFO)
    start = threading.Barrier(16)

    def renew(number: int) -> None:
        start.wait()
        refresh_tokens.replace(KEY, "r0", f"new {number}")

    threads = [threading.Thread(target=renew, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = refresh_tokens.load(KEY)
    assert kept is not None
    assert kept.current in {f"new {number}" for number in range(16)}
    assert kept.previous == "r0"


def test_a_new_sign_in_replaces_the_stored_one(refresh_tokens: RefreshTokenStore) -> None:
    """Put keeps the new token alone: the old one may be another person's."""
    refresh_tokens.replace(KEY, "r0", "r1")
    refresh_tokens.put(KEY, "fresh", INFO)
    assert refresh_tokens.load(KEY) == StoredRefreshToken("fresh", "")
    assert refresh_tokens.list_sign_ins()[KEY].info == INFO


def test_the_list_shows_account_and_times_but_no_secret(refresh_tokens: RefreshTokenStore) -> None:
    """The list gives what the login said, through renewals, and none of the tokens."""
    refresh_tokens.put(KEY, "r0-secret", INFO)
    refresh_tokens.replace(OTHER, "v0-secret", "v1-secret")
    refresh_tokens.replace(KEY, "r0-secret", "r1-secret")
    names = refresh_tokens.list_sign_ins()
    assert list(names) == [KEY, OTHER]
    assert names[KEY].info == INFO
    assert names[OTHER].info == TokenInfo()
    assert 0 < names[KEY].created_on <= names[KEY].renewed_on
    assert "secret" not in repr(names)


def test_removing_deletes_one_sign_in(refresh_tokens: RefreshTokenStore) -> None:
    """Remove says whether there was one, and a later renewal starts anew."""
    refresh_tokens.put(KEY, "r0", INFO)
    refresh_tokens.put(OTHER, "v0", INFO)
    assert refresh_tokens.remove(KEY) is True
    assert refresh_tokens.remove(KEY) is False
    assert (refresh_tokens.load(KEY), refresh_tokens.load(OTHER)) == (None, StoredRefreshToken("v0"))
    refresh_tokens.replace(KEY, "r0", "r1")
    assert refresh_tokens.list_sign_ins()[KEY].info == TokenInfo()


def test_any_text_is_stored_unchanged(refresh_tokens: RefreshTokenStore) -> None:
    """Refresh tokens are opaque: any visible character and great length survive, and keys with quotes stay apart."""
    odd = "".join(map(chr, range(0x20, 0x7F))) + "x" * 20_000  # RFC 6749 appendix A.17
    refresh_tokens.put("account:o'brien\"", odd, INFO)
    refresh_tokens.put("account:", "empty name", INFO)
    assert refresh_tokens.load("account:o'brien\"") == StoredRefreshToken(odd)
    assert refresh_tokens.load("account:") == StoredRefreshToken("empty name")


def test_no_store_shows_a_refresh_token(refresh_tokens: RefreshTokenStore) -> None:
    """Neither repr nor str of a store holds what it keeps."""
    refresh_tokens.put(KEY, "r0-secret", INFO)
    refresh_tokens.replace(KEY, "r0-secret", "r1-secret")
    assert "secret" not in repr(refresh_tokens) + str(refresh_tokens) + repr(refresh_tokens.load(KEY))


def test_a_sign_in_has_its_last_renewals_and_expected_expiry(refresh_tokens: RefreshTokenStore) -> None:
    """The times of the last five renewals, oldest first; 90 days after the last one Entra would end it."""
    refresh_tokens.put(KEY, "r0", INFO)
    assert refresh_tokens.list_sign_ins()[KEY].renewals == ()
    for number in range(7):
        refresh_tokens.replace(KEY, f"r{number}", f"r{number + 1}")
    kept = refresh_tokens.list_sign_ins()[KEY]
    assert len(kept.renewals) == 5
    assert list(kept.renewals) == sorted(kept.renewals)
    assert kept.renewals[-1] == kept.renewed_on >= kept.created_on
    assert kept.expires_on == kept.renewed_on + 90 * 24 * 3600
    refresh_tokens.put(OTHER, "r0", TokenInfo("https://id.example.com/token"))
    assert refresh_tokens.list_sign_ins()[OTHER].expires_on is None


def test_an_ended_sign_in_stays_ended_until_it_is_replaced(refresh_tokens: RefreshTokenStore) -> None:
    """The code is kept with it; only the current token's end counts, and a renewal or sign-in begins anew."""
    refresh_tokens.put(KEY, "r0", INFO)
    refresh_tokens.end(KEY, "another", 50173)
    refresh_tokens.end(OTHER, "r0", 50173)
    assert refresh_tokens.load(KEY) == StoredRefreshToken("r0")
    refresh_tokens.end(KEY, "r0", 50173)
    assert refresh_tokens.load(KEY) == StoredRefreshToken("r0", "", 50173)
    assert (refresh_tokens.list_sign_ins()[KEY].ended_by, refresh_tokens.list_sign_ins()[KEY].info) == (50173, INFO)
    assert list(refresh_tokens.list_sign_ins()) == [KEY]
    refresh_tokens.replace(KEY, "r0", "r1")
    assert refresh_tokens.load(KEY) == StoredRefreshToken("r1", "r0")
    refresh_tokens.end(KEY, "r1", 700082)
    refresh_tokens.put(KEY, "r9", INFO)
    assert refresh_tokens.load(KEY) == StoredRefreshToken("r9")
    assert refresh_tokens.list_sign_ins()[KEY].ended_by == 0

"""What every store of refresh tokens does."""

from __future__ import annotations

import threading

from mstoken.flows.store_port import GrantStore, TokenInfo
from mstoken.model import Grant

KEY, OTHER = "account:anna", "value:0123"
INFO = TokenInfo("https://login.microsoftonline.com", "contoso.onmicrosoft.com", "11111111-2222-3333-4444-555555555555")


def test_nothing_is_kept_at_first(grants: GrantStore) -> None:
    """An unknown sign-in is None, and there are no names."""
    assert grants.load(KEY) is None
    assert grants.names() == {}
    assert grants.remove(KEY) is False


def test_the_first_renewal_keeps_both_tokens(grants: GrantStore) -> None:
    """Where nothing was kept, the new token is kept with the one it came from."""
    grants.replace(KEY, "r0", "r1")
    assert grants.load(KEY) == Grant("r1", "r0")


def test_a_renewal_of_the_current_token_moves_on(grants: GrantStore) -> None:
    """The current token becomes the previous one."""
    grants.replace(KEY, "r0", "r1")
    grants.replace(KEY, "r1", "r2")
    assert grants.load(KEY) == Grant("r2", "r1")


def test_a_grant_says_where_it_came_from(grants: GrantStore) -> None:
    """What was told at the sign-in comes back with the token, also after renewals: it is sent nowhere else."""
    grants.put(KEY, "r1", INFO)
    grants.replace(KEY, "r1", "r2")
    kept = grants.load(KEY)
    assert kept == Grant("r2", "r1")
    assert kept.authority == INFO.authority


def test_of_two_renewals_of_one_token_the_first_stays(grants: GrantStore) -> None:
    """Compare and swap: who renewed an older token changes nothing."""
    grants.replace(KEY, "r0", "r1")
    grants.replace(KEY, "r1", "r2")
    grants.replace(KEY, "r1", "late")
    grants.replace(KEY, "unknown", "stranger")
    assert grants.load(KEY) == Grant("r2", "r1")


def test_of_many_writers_at_once_one_wins(grants: GrantStore) -> None:
    """Sixteen threads renewing one token leave exactly one of their tokens, beside the one they renewed."""
    grants.put(KEY, "r0", INFO)
    start = threading.Barrier(16)

    def renew(number: int) -> None:
        start.wait()
        grants.replace(KEY, "r0", f"new {number}")

    threads = [threading.Thread(target=renew, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = grants.load(KEY)
    assert kept is not None
    assert kept.current in {f"new {number}" for number in range(16)}
    assert kept.previous == "r0"


def test_a_new_sign_in_replaces_whatever_was_there(grants: GrantStore) -> None:
    """Put keeps the new token alone: the old one may be another person's."""
    grants.replace(KEY, "r0", "r1")
    grants.put(KEY, "fresh", INFO)
    assert grants.load(KEY) == Grant("fresh", "")
    assert grants.names()[KEY].info == INFO


def test_names_tell_whose_and_since_when_but_no_secret(grants: GrantStore) -> None:
    """The list gives what the login said, through renewals, and none of the tokens."""
    grants.put(KEY, "r0-secret", INFO)
    grants.replace(OTHER, "v0-secret", "v1-secret")
    grants.replace(KEY, "r0-secret", "r1-secret")
    names = grants.names()
    assert list(names) == [KEY, OTHER]
    assert names[KEY].info == INFO
    assert names[OTHER].info == TokenInfo()
    assert 0 < names[KEY].created_on <= names[KEY].renewed_on
    assert "secret" not in repr(names)


def test_removing_forgets_one_sign_in_for_good(grants: GrantStore) -> None:
    """Remove says whether there was one, and a later renewal starts anew."""
    grants.put(KEY, "r0", INFO)
    grants.put(OTHER, "v0", INFO)
    assert grants.remove(KEY) is True
    assert grants.remove(KEY) is False
    assert (grants.load(KEY), grants.load(OTHER)) == (None, Grant("v0"))
    grants.replace(KEY, "r0", "r1")
    assert grants.names()[KEY].info == TokenInfo()


def test_any_text_is_kept_as_it_is(grants: GrantStore) -> None:
    """Refresh tokens are opaque: odd characters and great length survive, and keys with quotes stay apart."""
    odd = "0.A\u00e9\n\x00'\";--" + "x" * 20_000
    grants.put("account:o'brien\"", odd, INFO)
    grants.put("account:", "empty name", INFO)
    assert grants.load("account:o'brien\"") == Grant(odd)
    assert grants.load("account:") == Grant("empty name")


def test_no_store_shows_a_refresh_token(grants: GrantStore) -> None:
    """Neither repr nor str of a store holds what it keeps."""
    grants.put(KEY, "r0-secret", INFO)
    grants.replace(KEY, "r0-secret", "r1-secret")
    assert "secret" not in repr(grants) + str(grants) + repr(grants.load(KEY))


def test_a_sign_in_remembers_its_last_renewals_and_forecasts_its_end(grants: GrantStore) -> None:
    """The times of the last five renewals, oldest first; 90 days after the last one Entra would end it."""
    grants.put(KEY, "r0", INFO)
    assert grants.names()[KEY].renewals == ()
    for number in range(7):
        grants.replace(KEY, f"r{number}", f"r{number + 1}")
    kept = grants.names()[KEY]
    assert len(kept.renewals) == 5
    assert list(kept.renewals) == sorted(kept.renewals)
    assert kept.renewals[-1] == kept.renewed_on >= kept.created_on
    assert kept.expires_on == kept.renewed_on + 90 * 24 * 3600
    grants.put(OTHER, "r0", TokenInfo("https://id.example.com/token"))
    assert grants.names()[OTHER].expires_on is None


def test_a_grant_that_was_ended_stays_so_until_another_takes_its_place(grants: GrantStore) -> None:
    """The code is kept with it; only the current token's end counts, and a renewal or sign-in begins anew."""
    grants.put(KEY, "r0", INFO)
    grants.end(KEY, "another", 50173)
    grants.end(OTHER, "r0", 50173)
    assert grants.load(KEY) == Grant("r0")
    grants.end(KEY, "r0", 50173)
    assert grants.load(KEY) == Grant("r0", "", 50173)
    assert (grants.names()[KEY].ended_by, grants.names()[KEY].info) == (50173, INFO)
    assert list(grants.names()) == [KEY]
    grants.replace(KEY, "r0", "r1")
    assert grants.load(KEY) == Grant("r1", "r0")
    grants.end(KEY, "r1", 700082)
    grants.put(KEY, "r9", INFO)
    assert grants.load(KEY) == Grant("r9")
    assert grants.names()[KEY].ended_by == 0

"""The state of an account: passwords, locks, guests; each state has its own code."""

import pytest
from tests.support.refusals import NADIA, OTTO, Ask, Cases, Form, guest, home, password, person, refresh

from entra_emulator import Emulator

CASES = Cases()


@CASES.case(50053)
def too_many_wrong_passwords(entra: Emulator) -> Form:
    person(entra, OTTO).locked_until = entra.clock.now() + 60
    return password(entra)


@CASES.case(50126)
def wrong_password(entra: Emulator) -> Form:
    return password(entra, given="wrong")


@CASES.case(50055, suberror="user_password_expired")
def password_expired(entra: Emulator) -> Form:
    person(entra, OTTO).password_expired = True
    return password(entra)


@CASES.case(50144)
def password_expired_on_premises(entra: Emulator) -> Form:
    home(entra).password_agent = "ok"
    person(entra, OTTO).password_expired = True
    return password(entra)


@CASES.case(80001)
def agent_unreachable(entra: Emulator) -> Form:
    home(entra).password_agent = "unavailable"
    return password(entra)


@CASES.case(80002)
def agent_too_slow(entra: Emulator) -> Form:
    home(entra).password_agent = "timeout"
    return password(entra)


@CASES.case(80005)
def agent_answers_nonsense(entra: Emulator) -> Form:
    home(entra).password_agent = "error"
    return password(entra)


@CASES.case(80007)
def agent_cannot_check(entra: Emulator) -> Form:
    home(entra).password_agent = "failing"
    return password(entra)


@CASES.case(50056)
def no_password_at_all(entra: Emulator) -> Form:
    form = password(entra)
    person(entra, OTTO).password = ""
    return form


@CASES.case(50015)
def minor_without_consent(entra: Emulator) -> Form:
    person(entra, NADIA).needs_age_consent = True
    return refresh(entra)


@CASES.case(500571)
def guest_disabled(entra: Emulator) -> Form:
    return guest(entra, enabled=False)


@CASES.case(50014)
def guest_has_not_accepted(entra: Emulator) -> Form:
    return guest(entra, pending=True)


@pytest.mark.parametrize("name", CASES.by_name)
def test_accounts_in_each_state_are_refused(name: str, entra: Emulator, ask: Ask) -> None:
    """The account's state refuses with its own code, OAuth error and suberror."""
    CASES.check(name, entra, ask)


def test_ten_wrong_passwords_lock_for_a_minute(entra: Emulator, ask: Ask) -> None:
    """Smart lockout: the eleventh try is refused even with the right password, and a minute later it is not."""
    wrong, right = password(entra, given="wrong"), password(entra)
    assert {ask(**wrong).json()["error_codes"][0] for _ in range(10)} == {50126}
    assert ask(**right).json()["error_codes"] == [50053]
    entra.clock.advance(61)
    assert ask(**right).status_code == 200

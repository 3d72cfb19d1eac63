"""`client.partner().check_mfa()`: the token's amr, and what Partner Center says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.runners import Runner

from entra_emulator import Emulator
from mstoken import SignInRequired
from mstoken.partner.mfa import MfaCheck


@pytest.mark.parametrize("mfa", [True, False])
def test_token_and_partner_center_agree(
    runner: Runner, csp: Emulator, sign_in_client: Callable[..., Any], *, mfa: bool
) -> None:
    """Where no policy requires MFA, a sign-in without it gets a token, and the check finds it."""
    csp.state.default_tenant.policies.clear()
    found = runner.run(sign_in_client(mfa=mfa).partner().check_mfa)
    assert found == MfaCheck(mfa, mfa)
    assert found.ok == mfa


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (MfaCheck(in_token=False, accepted=None), "amr lacks mfa"),
        (MfaCheck(in_token=None, accepted=False), "Partner Center says so"),
    ],
)
def test_a_missing_mfa_requires_a_sign_in(found: MfaCheck, word: str) -> None:
    with pytest.raises(SignInRequired, match=word):
        found.require()


def test_an_unreadable_token_that_is_accepted_is_fine() -> None:
    MfaCheck(in_token=None, accepted=True).require()
    MfaCheck(in_token=True, accepted=None).require()

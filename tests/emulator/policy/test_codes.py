"""How many codes there are, and that each is provoked by a request, without an injected fault."""

import re
from pathlib import Path

import pytest
from tests.emulator.login import test_refused_requests, test_refused_users
from tests.emulator.policy import (
    test_accounts,
    test_codes_of_exchanges,
    test_conditional_access,
    test_tenants_and_applications,
)

from entra_emulator.aadsts import definitions


def reached() -> set[int]:
    """The codes of the tables. Each case is a test that sets a state, sends a request, and gets the code."""
    by_subject = (test_accounts, test_tenants_and_applications, test_conditional_access)
    codes = {case.code for module in by_subject for case in module.CASES.by_name.values()}
    codes |= {shape.code for module in (test_refused_requests, test_refused_users) for shape in module.CASES.values()}
    return codes | set(test_codes_of_exchanges.CASES)


@pytest.mark.parametrize("code", sorted(definitions()))
def test_every_code_arises_from_state(code: int) -> None:
    """Each code of data/errors.toml has a case: a code that no request gets is not in the table of errors."""
    assert code in reached()


def test_at_least_120_codes_arise_from_state() -> None:
    """The tables have no code that the emulator does not define."""
    assert reached() <= set(definitions())
    assert len(reached()) >= 120, len(reached())


def test_no_case_injects_a_fault() -> None:
    """The modules of the tables never inject a fault, by which a code would come without its cause."""
    modules = (test_accounts, test_codes_of_exchanges, test_conditional_access, test_tenants_and_applications)
    for module in (*modules, test_refused_requests, test_refused_users):
        text = Path(module.__file__ or "").read_text(encoding="utf-8")
        assert not re.search(r"\.inject\(|Fault\(|faults\.append", text), module.__name__

"""How many codes there are, and that each is provoked."""

import re
from pathlib import Path

from tests.emulator.login import test_refused_requests, test_refused_users
from tests.emulator.policy import test_accounts, test_conditional_access, test_tenants_and_applications

from entra_emulator.aadsts import definitions


def test_every_code_is_provoked_by_a_test() -> None:
    """Each code the emulator knows is named in a test."""
    tests = Path(__file__).parents[2]
    files = [*tests.joinpath("emulator").rglob("test_*.py"), *tests.joinpath("clients").glob("test_*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    named = {int(number) for number in re.findall(r"\b\d{5,7}\b", text.replace("_", ""))}
    assert set(definitions()) <= named


def test_at_least_eighty_codes_arise_from_state() -> None:
    """Each case of these tables is a test that sets a state, asks, and finds this code in the answer."""
    by_subject = (test_accounts, test_tenants_and_applications, test_conditional_access)
    codes = {case.code for module in by_subject for case in module.CASES.by_name.values()}
    codes |= {shape.code for module in (test_refused_requests, test_refused_users) for shape in module.CASES.values()}
    assert len(codes) >= 80, len(codes)

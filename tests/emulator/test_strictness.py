"""The emulator's Python API is as strict as its configuration: a slip is an error that lists what exists."""

from collections.abc import Callable

import pytest

from entra_emulator import Emulator
from entra_emulator.config import ConfigError
from entra_emulator.model import AppRole

SLIPS: list[tuple[Callable[[Emulator], object], str]] = [
    (lambda entra: entra.add_policy("mfaa"), "sign_in_frequency"),
    (lambda entra: entra.add_policy("mfa", user_risk=["highest"]), "medium"),
    (lambda entra: entra.add_policy("mfa", locations=["Atlantis"]), "trusted"),
    (lambda entra: entra.add_policy("mfa", roles=["Global Administrater"]), "Global Administrator"),
    (lambda entra: entra.add_policy("mfa", user=["x"]), "except_users"),
    (lambda entra: entra.add_user("x@northwind-partner.example", roles=["Boss"]), "User Administrator"),
    (lambda entra: entra.add_user("x@northwind-partner.example", risk="some"), "low"),
    (lambda entra: entra.add_user("x@northwind-partner.example", nickname="x"), "given_name"),
    (lambda entra: entra.add_app("x", audience="everybody"), "multiple"),
    (lambda entra: entra.add_app("x", redirect_url=[]), "redirect_uris"),
    (lambda entra: entra.add_tenant("x", colour="red"), "country"),
    (lambda entra: entra.add_group("x", kind="security"), "role_assignable"),
    (lambda entra: entra.add_group("x", roles=["Boss"]), "Global Reader"),
    (lambda entra: entra.inject(status=429, service="grph"), "graph"),
    (lambda entra: entra.inject(code=50076, tennant="x"), "tenant"),
    (lambda entra: entra.inject(cut="after"), "during"),
]


@pytest.mark.parametrize("slip", range(len(SLIPS)))
def test_a_misspelt_name_is_an_error_that_lists_the_valid_ones(entra: Emulator, slip: int) -> None:
    """An unknown requirement, role, level, service or field is refused, and nothing is added."""
    act, listed = SLIPS[slip]
    before = entra.snapshot()
    with pytest.raises((ConfigError, TypeError, ValueError), match=listed):
        act(entra)
    after = entra.snapshot()
    assert [after[name] for name in ("tenants", "apps", "faults")] == [before[n] for n in ("tenants", "apps", "faults")]


def test_an_attribute_that_no_model_has_cannot_be_set(entra: Emulator) -> None:
    """Setting a misspelled attribute is an error that lists the fields, in every class of the model."""
    user = entra.state.default_user
    assert user
    for item, name in ((user, "mfa_requird"), (entra.state.default_app, "secret"), (entra.state.settings, "pasword")):
        with pytest.raises(AttributeError, match="it has "):
            setattr(item, name, "x")


def test_a_permission_that_an_api_does_not_declare_cannot_be_granted(entra: Emulator) -> None:
    """An API that declares its scopes and roles has no others."""
    api = entra.add_app(
        "Ovens", identifier_uris=["api://ovens"], scopes=["Ovens.Read"], app_roles=[AppRole("Ovens.Use")]
    )
    entra.grant("8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01", api, ["Ovens.Read"], ["Ovens.Use"])
    for scopes, roles in ((["Ovens.Raed"], []), ([], ["Ovens.User"])):
        with pytest.raises(ConfigError, match=r"Ovens\.(Read|Use)"):
            entra.grant("8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01", api, scopes, roles)


def test_a_fault_in_the_configuration_names_a_service_that_exists() -> None:
    """[[faults]] is checked like inject()."""
    with pytest.raises(ConfigError, match="partner"):
        Emulator(
            {
                "tenants": [{"id": "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01", "name": "T"}],
                "faults": [{"status": 429, "service": "grph"}],
            }
        )

"""Test your own program against a fresh Entra ID for each test: pytest examples/test_with_the_emulator.py"""

import pytest

from entra_emulator import Emulator
from mstoken import Client, CredentialRejected


def report() -> int:
    """The program under test: it counts the tenant's users."""
    response = Client.from_env().request("GET", "https://graph.microsoft.com/v1.0/users")
    return response.body.count(b'"userPrincipalName"')


@pytest.mark.usefixtures("entra_environment")
def test_it_counts_the_users() -> None:
    assert report() == 2


@pytest.mark.usefixtures("entra_environment")
def test_an_expired_secret_is_reported(entra: Emulator) -> None:
    entra.inject(code=7000222)  # Entra ID's code for an expired secret
    with pytest.raises(CredentialRejected, match="7000222"):
        report()


@pytest.mark.usefixtures("entra_environment")
def test_it_asks_once(entra: Emulator) -> None:
    report()
    assert [request.grant_type for request in entra.token_requests] == ["client_credentials"]


# Output:
#   ...…
#   3 passed…

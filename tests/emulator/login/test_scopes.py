"""Reading the scope parameter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_emulator.aadsts import EntraError
from entra_emulator.login.scopes import parse, parse_app_only


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """No text breaks the readers: they answer, or refuse with one of the scope codes."""
    for read in (parse, parse_app_only):
        try:
            asked = read(text)
        except EntraError as refusal:
            assert refusal.code in {28000, 70011, 1002012}  # noqa: PT017  # both outcomes are right
        else:
            assert asked.text == text


@pytest.mark.parametrize(
    ("text", "resource", "names"),
    [
        ("https://management.azure.com//.default", "https://management.azure.com/", (".default",)),
        ("https://graph.microsoft.com/User.Read", "https://graph.microsoft.com", ("User.Read",)),
        ("User.Read Mail.Read", None, ("User.Read", "Mail.Read")),
        ("api://orders/Orders.Read openid", "api://orders", ("Orders.Read",)),
        ("6dae42f8-4368-4678-94ff-3960e28e3630/user.read", "6dae42f8-4368-4678-94ff-3960e28e3630", ("user.read",)),
        (
            "https://analysis.windows.net/powerbi/api/.default",
            "https://analysis.windows.net/powerbi/api",
            (".default",),
        ),
    ],
)
def test_the_resource_precedes_the_last_slash(text: str, resource: str | None, names: tuple[str, ...]) -> None:
    """The last slash parts resource and permission; without one the permission is Microsoft Graph's."""
    asked = parse(text)
    assert (asked.resource, asked.names) == (resource, names)


def test_openid_scopes_are_parsed_separately() -> None:
    """openid, profile, email and offline_access belong to no resource, in any letter case."""
    asked = parse("OpenID https://graph.microsoft.com/User.Read offline_access")
    assert asked.oidc == {"openid", "offline_access"}
    assert asked.names == ("User.Read",)


@pytest.mark.parametrize("resource", ["https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"])
def test_openid_scopes_may_be_written_as_graphs(resource: str) -> None:
    """OpenID's scopes are permissions of Graph; MSAL.NET sends them with its identifier on refresh."""
    requested = parse(" ".join(f"{resource}/{name}" for name in ("openid", "User.Read", "Offline_Access", "email")))
    assert requested.oidc == {"openid", "offline_access", "email"}
    assert (requested.resource, requested.names) == (resource, ("User.Read",))
    assert parse("https://management.azure.com/openid").names == ("openid",)


def test_two_spellings_of_one_resource_are_one() -> None:
    """Letter case and a trailing slash do not make a second resource."""
    asked = parse("https://graph.microsoft.com/User.Read https://Graph.microsoft.com/Mail.Read")
    assert asked.names == ("User.Read", "Mail.Read")

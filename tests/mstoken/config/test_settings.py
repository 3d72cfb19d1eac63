"""Flag over environment over profile, and whose identity it is in the end."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.home import Home

from mstoken import Client, ClientSecret, NotConfigured, RefreshToken, UsageError
from mstoken.config.resolving import settings_from_environment

ENVIRONMENT = {"AZURE_TENANT_ID": "env-tenant", "AZURE_CLIENT_ID": "env-client", "AZURE_CLIENT_SECRET": "env-secret"}
WORK = """
[profile.work]
tenant = "work-tenant"
client_id = "work-client"
client_secret = "env:WORK_SECRET"
"""
SIGNED_IN = '[profile.default]\ntenant = "t"\nclient_id = "c"\naccount = "me"\n'


def test_the_environment_alone_is_an_identity(home: Home) -> None:
    """Tenant, client and secret of the Azure SDKs' variables are enough, and no file is needed."""
    settings = home.settings({}, **ENVIRONMENT)
    assert (settings.tenant, settings.client_id) == ("env-tenant", "env-client")
    assert settings.credential == ClientSecret("env-secret")
    assert (settings.profile, settings.notes) == ("", ())


def test_flags_take_precedence_over_the_named_profile_and_that_over_the_environment(home: Home) -> None:
    """What is named explicitly wins, by option or as MSTOKEN_PROFILE."""
    home.write(WORK)
    settings = home.settings({"profile": "work", "tenant": "flag-tenant"}, AZURE_CLIENT_ID="e", WORK_SECRET="w")
    assert (settings.tenant, settings.client_id) == ("flag-tenant", "work-client")
    assert settings.credential == ClientSecret("w")
    assert settings.profile == "work"
    assert home.settings({}, MSTOKEN_PROFILE="work", WORK_SECRET="w", **ENVIRONMENT).tenant == "work-tenant"


POD = {"AZURE_TENANT_ID": "pod-tenant", "AZURE_CLIENT_ID": "pod-client", "AZURE_FEDERATED_TOKEN_FILE": "/token"}


@pytest.mark.parametrize(
    "injected",
    [
        POD,
        ENVIRONMENT,
        {"AZURE_CLIENT_ID": "pod-client"},
        {"AZURE_CLIENT_ID": "pod-client", "AZURE_CLIENT_CERTIFICATE_PATH": "/pod.pem"},
        {"AZURE_TENANT_ID": "pod-tenant", "MSTOKEN_REFRESH_TOKEN": "r"},
        {"AZURE_CLIENT_ID": "pod-client", "AZURE_USERNAME": "u", "AZURE_PASSWORD": "p"},
    ],
)
def test_no_identity_is_combined_from_two_sources(home: Home, injected: dict[str, str]) -> None:
    """The profile's secret is not paired with an injected client or tenant, nor the other way round; a note says so."""
    home.write(WORK)
    settings = home.settings({"profile": "work"}, WORK_SECRET="w", **injected)
    assert (settings.tenant, settings.client_id) == ("work-tenant", "work-client")
    assert settings.credential == ClientSecret("w")
    for name in injected.keys() - {"AZURE_FEDERATED_TOKEN_FILE"}:
        assert any(note.startswith(f"{name} is set and ignored") for note in settings.notes)


def test_an_unnamed_profiles_secret_is_not_paired_with_another_client(home: Home) -> None:
    """The profile called default does not complete what a pod was given for another application."""
    home.write(WORK.replace("profile.work", "profile.default"))
    with pytest.raises(NotConfigured, match="a credential"):
        home.settings({}, WORK_SECRET="w", **POD)
    assert home.settings({}, WORK_SECRET="w", AZURE_CLIENT_ID="WORK-CLIENT").credential == ClientSecret("w")


def test_a_secret_of_the_environment_completes_a_stored_sign_in(home: Home) -> None:
    """As `mstoken login` leaves it for a confidential client: the secret is about the same client."""
    home.write(SIGNED_IN)
    expected = RefreshToken(account="me", client=ClientSecret("s"))
    assert home.settings({"profile": "default"}, AZURE_CLIENT_SECRET="s").credential == expected
    same = {"AZURE_CLIENT_ID": "C", "AZURE_TENANT_ID": "T", "AZURE_CLIENT_SECRET": "s"}
    assert home.settings({"profile": "default"}, **same).credential == expected


def test_variables_that_override_a_profile_are_named(home: Home) -> None:
    """A note names each variable that the named profile puts out of force, none for one that says the same."""
    home.write(WORK)
    same = home.settings({"profile": "work"}, AZURE_TENANT_ID="work-tenant", WORK_SECRET="w")
    other = home.settings({"profile": "work"}, WORK_SECRET="w", **ENVIRONMENT)
    assert same.notes == ()
    assert [note.split(" is set")[0] for note in other.notes] == list(ENVIRONMENT)
    assert "env-secret" not in repr(other)


def test_a_flag_silences_the_note_about_its_variable(home: Home) -> None:
    """Where the flag decides, the variable overrides nothing."""
    home.write(WORK.replace("profile.work", "profile.default"))
    settings = home.settings({"tenant": "x"}, AZURE_TENANT_ID="y", WORK_SECRET="w")
    assert settings.notes == ()


def test_a_complete_environment_never_uses_the_default_profile(home: Home) -> None:
    """A complete environment never meets the profile called default, even one that cannot be read."""
    home.write("this is not TOML")
    assert home.settings({}, **ENVIRONMENT).profile == ""


def test_the_default_profile_fills_in_missing_settings(home: Home) -> None:
    """Without a name the profile called default is read when flags and environment leave something open."""
    home.write(SIGNED_IN)
    settings = home.settings({"tenant": "customer"})
    assert (settings.tenant, settings.client_id, settings.profile) == ("customer", "c", "default")
    assert settings.credential == RefreshToken(account="me")


def test_another_profile_is_used_only_when_named(home: Home) -> None:
    """A file without a default profile makes no identity by itself; MSTOKEN_PROFILE and --profile name one."""
    home.write(WORK)
    with pytest.raises(NotConfigured):
        home.settings(WORK_SECRET="w")
    assert home.settings(MSTOKEN_PROFILE="work", WORK_SECRET="w").tenant == "work-tenant"
    with pytest.raises(UsageError, match="no profile 'other'"):
        home.settings({"profile": "other"}, MSTOKEN_PROFILE="work", WORK_SECRET="w")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"MSTOKEN_REFRESH_TOKEN": "r"}, RefreshToken("r")),
        ({"MSTOKEN_REFRESH_TOKEN": "r", "AZURE_CLIENT_SECRET": "s"}, RefreshToken("r", ClientSecret("s"))),
        ({"AZURE_CLIENT_SECRET": "s"}, ClientSecret("s")),
    ],
)
def test_the_settings_select_the_credential(home: Home, environ: dict[str, str], expected: object) -> None:
    """A refresh token makes it a user's, a secret beside it proves the application; a secret alone is the app's."""
    settings = home.settings({"tenant": "t", "client_id": "c"}, **environ)
    assert settings.credential == expected


def test_a_stored_sign_in_with_a_secret_is_a_confidential_client(home: Home) -> None:
    """account and client_secret of a profile together are a refresh token of a confidential client."""
    home.write(SIGNED_IN + 'client_secret = "env:S"\nsingle_use = true\n')
    expected = RefreshToken(account="me", client=ClientSecret("s"), single_use=True)
    assert home.settings(S="s").credential == expected


def test_a_refresh_token_of_the_environment_replaces_the_stored_one(home: Home) -> None:
    """MSTOKEN_REFRESH_TOKEN goes before the profile's account, and is named."""
    home.write(SIGNED_IN)
    settings = home.settings({"tenant": "t"}, MSTOKEN_REFRESH_TOKEN="r")
    assert settings.credential == RefreshToken("r")
    assert ["MSTOKEN_REFRESH_TOKEN" in note for note in settings.notes] == [True]


def test_everything_missing_is_named_at_once(home: Home) -> None:
    """The error lists each missing setting with its variable and a next command, and tells empty from unset."""
    with pytest.raises(NotConfigured) as raised:
        home.settings(AZURE_CLIENT_SECRET="")
    said = str(raised.value)
    for part in ("--tenant", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "MSTOKEN_REFRESH_TOKEN", "mstoken login"):
        assert part in said
    assert "AZURE_CLIENT_SECRET (set, but empty)" in said
    assert str(home.file) in said


def test_only_what_is_missing_is_named(home: Home) -> None:
    """What a layer gives is not asked for again."""
    with pytest.raises(NotConfigured) as raised:
        home.settings({"tenant": "t"}, AZURE_CLIENT_ID="c")
    assert "AZURE_CLIENT_SECRET" in raised.value.message
    assert "tenant" not in raised.value.message.partition("There is no profile")[0]


def test_a_variable_that_is_not_text_is_named(home: Home) -> None:
    """What was set in another encoding could not be sent; the variable is told and its value is not."""
    with pytest.raises(UsageError, match="AZURE_CLIENT_SECRET is not UTF-8 text") as raised:
        home.settings(AZURE_TENANT_ID="t", AZURE_CLIENT_ID="c", AZURE_CLIENT_SECRET="caf\udce9")
    assert "caf" not in str(raised.value)


def test_the_environment_alone_lists_all_its_missing_variables(home: Home) -> None:
    """settings_from_environment reads no profile and names every variable that is not set."""
    home.write(SIGNED_IN)
    with pytest.raises(NotConfigured, match=r"TENANT_ID.*CLIENT_ID.*CLIENT_SECRET or .* or MSTOKEN_REF"):
        settings_from_environment(home.environ)
    assert settings_from_environment({**home.environ, **ENVIRONMENT}).tenant == "env-tenant"


PLACES: list[tuple[dict[str, str], dict[str, str], str, tuple[str, str, str]]] = [
    ({"cloud": "usgov"}, {}, "", ("", "usgov", "")),
    ({}, {"MSTOKEN_CLOUD": "china"}, "", ("", "china", "")),
    ({"cloud": "usgov"}, {"AZURE_AUTHORITY_HOST": "login.microsoftonline.com"}, "", ("", "usgov", "")),
    ({"authority": "login.microsoftonline.com"}, {"MSTOKEN_CLOUD": "china"}, "", ("login.microsoftonline.com", "", "")),
    ({"cloud": "usgov"}, {"AZURE_AUTHORITY_HOST": "https://localhost:1"}, "", ("https://localhost:1", "usgov", "")),
    (
        {"cloud": "dod"},
        {"AZURE_AUTHORITY_HOST": "login.microsoftonline.us"},
        "",
        ("login.microsoftonline.us", "dod", ""),
    ),
    ({}, {}, 'token_endpoint = "https://id.example/token"', ("", "", "https://id.example/token")),
    (
        {},
        {"AZURE_AUTHORITY_HOST": "https://localhost:1"},
        'token_endpoint = "https://id.example/token"',
        ("https://localhost:1", "", ""),
    ),
]


@pytest.mark.parametrize(("flags", "environ", "profile", "expected"), PLACES)
def test_the_settings_select_the_authority(
    home: Home, flags: dict[str, str], environ: dict[str, str], profile: str, expected: tuple[str, str, str]
) -> None:
    """Authority, cloud and token endpoint: the higher layer wins; a host of one's own may stand for any cloud."""
    home.write(SIGNED_IN + profile)
    settings = home.settings({"profile": "default", **flags}, **environ)
    assert (settings.authority, settings.cloud, settings.token_endpoint) == expected


def test_an_authority_and_a_cloud_that_contradict_each_other(home: Home) -> None:
    """Two flags that cannot both be meant are an error, not a guess."""
    with pytest.raises(UsageError, match="signs in to the cloud public, not to usgov"):
        home.settings({"authority": "login.microsoftonline.com", "cloud": "usgov"}, **ENVIRONMENT)


def test_an_emulators_authority_is_compatible_with_any_cloud(home: Home) -> None:
    """The client signs in at the authority and takes the resources of the cloud."""
    settings = home.settings({"cloud": "usgov"}, AZURE_AUTHORITY_HOST="https://localhost:1", **ENVIRONMENT)
    client = Client.from_settings(settings)
    assert client.authority.origin == "https://localhost:1"
    assert client.token_request("graph").scopes == ("https://graph.microsoft.us/.default",)


def test_a_reference_is_resolved_only_when_its_secret_is_used(home: Home) -> None:
    """A profile's command does not run where the environment already gives the secret."""
    trace = home.folder / "ran"
    named = WORK.replace("env:WORK_SECRET", f"command:touch {trace}").replace("profile.work", "profile.default")
    home.write(named)
    home.settings({"tenant": "t"}, AZURE_CLIENT_ID="work-client", AZURE_CLIENT_SECRET="s")
    assert not trace.exists()


def test_no_secret_shows_in_a_repr(home: Home) -> None:
    """Settings and layers print without any secret, whichever layer it came from."""
    home.write(WORK)
    shown: Any = [home.settings({"profile": "work"}, WORK_SECRET="very~secret"), home.settings({}, **ENVIRONMENT)]
    assert "very~secret" not in repr(shown)
    assert "env-secret" not in repr(shown)


@pytest.mark.parametrize(
    ("flags", "named"),
    [({"tenant": "contoso.com"}, "--tenant"), ({"tenant": "a.b", "cloud": "usgov"}, "--tenant and --cloud")],
)
def test_a_standard_server_has_no_tenants_and_no_clouds(home: Home, flags: dict[str, str], named: str) -> None:
    """A flag that would change nothing is not passed over in silence; a variable that is there for others is."""
    home.write(
        '[profile.orders]\nclient_id = "c"\nclient_secret = "env:S"\ntoken_endpoint = "https://id.example/token"\n'
    )
    with pytest.raises(UsageError, match=f"{named} cannot be used: https://id.example/token"):
        home.settings({"profile": "orders", **flags}, S="s")
    assert home.settings({"profile": "orders"}, S="s", AZURE_TENANT_ID="contoso.com").token_endpoint

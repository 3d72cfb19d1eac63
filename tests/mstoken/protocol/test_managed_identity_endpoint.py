"""Detection: which variables mean which source, in which order."""

from __future__ import annotations

import itertools

import pytest

from mstoken import NotConfigured, UsageError
from mstoken.credentials.managed_identity import SOURCES
from mstoken.protocol.managed_identity.identity_endpoint import detect

ALL = {
    "IDENTITY_ENDPOINT": "https://127.0.0.1:2377/metadata/identity/oauth2/token",
    "IDENTITY_HEADER": "secret-1",
    "IDENTITY_SERVER_THUMBPRINT": "AB:" * 19 + "CD",
    "IMDS_ENDPOINT": "http://127.0.0.1:40342",
    "MSI_ENDPOINT": "http://127.0.0.1:50342/oauth2/token",
    "MSI_SECRET": "secret-2",
    "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com",
    "AZURE_TENANT_ID": "contoso.onmicrosoft.com",
    "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/token",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:2579/",
}
ORDER = [
    ("service_fabric", {"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"}),
    ("app_service", {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"}),
    ("azure_arc", {"IDENTITY_ENDPOINT", "IMDS_ENDPOINT"}),
    ("azure_ml", {"MSI_ENDPOINT", "MSI_SECRET"}),
    ("cloud_shell", {"MSI_ENDPOINT"}),
    ("workload_identity", {"AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"}),
    ("imds", set()),
]


PARTS = {"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "MSI_SECRET"}
"""Variables that a platform with an identity sets, and none of which selects a source alone."""


def test_sources_are_detected_in_the_documented_order() -> None:
    """For every set of variables, the first source of the order whose variables are all there.

    Where only a part of a source's variables is there, IMDS would be a guess, unless a variable names it.
    """
    for size in range(len(ALL) + 1):
        for names in itertools.combinations(ALL, size):
            environment = {name: ALL[name] for name in names}
            expected = next(source for source, needed in ORDER if needed <= set(names))
            if expected == "imds" and PARTS & set(names) and "AZURE_POD_IDENTITY_AUTHORITY_HOST" not in names:
                with pytest.raises(NotConfigured):
                    detect(environment)
            else:
                assert detect(environment).source == expected


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (["IDENTITY_ENDPOINT"], "IDENTITY_ENDPOINT is set, but not IDENTITY_HEADER .App Service.* or IMDS_ENDPOINT"),
        (["IDENTITY_HEADER"], "IDENTITY_HEADER is set, but not IDENTITY_ENDPOINT"),
        (["IDENTITY_HEADER", "IMDS_ENDPOINT"], "IDENTITY_HEADER is set, but not IDENTITY_ENDPOINT"),
        (["IDENTITY_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT"], "IDENTITY_ENDPOINT is set, but not IDENTITY_HEADER"),
        (["IDENTITY_SERVER_THUMBPRINT"], "IDENTITY_SERVER_THUMBPRINT is set, but not IDENTITY_ENDPOINT"),
        (["MSI_SECRET"], "MSI_SECRET is set, but not MSI_ENDPOINT"),
    ],
)
def test_a_part_of_a_platforms_variables_is_refused_by_name(names: list[str], word: str) -> None:
    """As sudo, cron and some containers leave them. No value is shown: one of them is a secret."""
    environment = {name: ALL[name] for name in names}
    with pytest.raises(NotConfigured, match=word) as raised:
        detect(environment)
    assert "secret-" not in str(raised.value)
    assert f"unset {names[0]}" in raised.value.remedy
    assert detect(environment, "imds").source == "imds"
    assert detect(environment, arc_agent=True).source == "azure_arc"


@pytest.mark.parametrize("source", SOURCES)
def test_a_named_source_is_used(source: str) -> None:
    """Whatever else the environment speaks of."""
    assert detect(ALL, source).source == source


@pytest.mark.parametrize("source", [one for one in SOURCES if one != "imds"])
def test_a_named_source_needs_its_variables(source: str) -> None:
    """What is missing is told."""
    with pytest.raises(NotConfigured, match="ENDPOINT"):
        detect({}, source)


def test_the_arc_agent_takes_precedence_over_imds_and_not_over_variables() -> None:
    """Found on the disk, the agent is asked at its own port."""
    found = detect({}, arc_agent=True)
    assert (found.source, found.url) == ("azure_arc", "http://localhost:40342/metadata/identity/oauth2/token")
    assert detect({"MSI_ENDPOINT": ALL["MSI_ENDPOINT"]}, arc_agent=True).source == "cloud_shell"
    assert detect({}, "azure_arc", arc_agent=True).source == "azure_arc"
    assert detect({}, "imds", arc_agent=True).source == "imds"


def test_imds_has_its_usual_address_unless_a_variable_changes_it() -> None:
    """AZURE_POD_IDENTITY_AUTHORITY_HOST, with or without a slash at its end."""
    assert detect({}).url == "http://169.254.169.254/metadata/identity/oauth2/token"
    moved = detect({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:2579/"})
    assert moved.url == "http://127.0.0.1:2579/metadata/identity/oauth2/token"


@pytest.mark.parametrize("thumbprint", ["ab" * 20, "AB" * 20, ":".join(["Ab"] * 20), " ".join(["aB"] * 20)])
def test_a_thumbprint_is_parsed_in_every_spelling(thumbprint: str) -> None:
    """Upper or lower case, with colons or spaces."""
    assert detect(ALL | {"IDENTITY_SERVER_THUMBPRINT": thumbprint}).thumbprint == "ab" * 20


@pytest.mark.parametrize("thumbprint", ["ab" * 19, "ab" * 32, "xy" * 20, "-" * 40])
def test_a_thumbprint_that_is_not_sha1_is_refused(thumbprint: str) -> None:
    """A pin that can never fit is a mistake, not a connection without a pin."""
    with pytest.raises(UsageError, match="SHA-1"):
        detect(ALL | {"IDENTITY_SERVER_THUMBPRINT": thumbprint})


def test_service_fabric_has_to_be_https() -> None:
    """The secret is not sent in clear."""
    with pytest.raises(UsageError, match="https"):
        detect(ALL | {"IDENTITY_ENDPOINT": "http://127.0.0.1:2377/token"})


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8081", "ftp://127.0.0.1/", "http://", "http://a b/", "http://a\\b/", "http://[/"]
)
def test_an_endpoint_that_is_no_url_is_refused(url: str) -> None:
    """The variable is named."""
    with pytest.raises(UsageError, match="MSI_ENDPOINT"):
        detect({"MSI_ENDPOINT": url})


def test_the_repr_shows_no_secret() -> None:
    """A place may be logged."""
    assert "secret" not in repr(detect(ALL))

"""Detection: which variables mean which source, in which order."""

from __future__ import annotations

import itertools

import pytest

from mstoken import NotConfigured, UsageError
from mstoken.credentials.managed_identity import SOURCES
from mstoken.protocol.managed_identity.place import detect

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


def test_the_order_is_the_documented_one() -> None:
    """For every set of variables, the first source of the order whose variables are all there."""
    for size in range(len(ALL) + 1):
        for names in itertools.combinations(ALL, size):
            expected = next(source for source, needed in ORDER if needed <= set(names))
            assert detect({name: ALL[name] for name in names}).source == expected


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_is_named_is_taken(source: str) -> None:
    """Whatever else the environment speaks of."""
    assert detect(ALL, source).source == source


@pytest.mark.parametrize("source", [one for one in SOURCES if one != "imds"])
def test_a_named_source_needs_its_variables(source: str) -> None:
    """What is missing is told."""
    with pytest.raises(NotConfigured, match="ENDPOINT"):
        detect({}, source)


def test_arcs_agent_goes_before_imds_and_after_variables() -> None:
    """Found on the disk, the agent is asked at its own port."""
    found = detect({}, arc_agent=True)
    assert (found.source, found.endpoint) == ("azure_arc", "http://localhost:40342/metadata/identity/oauth2/token")
    assert detect({"MSI_ENDPOINT": ALL["MSI_ENDPOINT"]}, arc_agent=True).source == "cloud_shell"
    assert detect({}, "azure_arc", arc_agent=True).source == "azure_arc"
    assert detect({}, "imds", arc_agent=True).source == "imds"


def test_imds_is_at_its_address_unless_moved() -> None:
    """AZURE_POD_IDENTITY_AUTHORITY_HOST, with or without a slash at its end."""
    assert detect({}).endpoint == "http://169.254.169.254/metadata/identity/oauth2/token"
    moved = detect({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:2579/"})
    assert moved.endpoint == "http://127.0.0.1:2579/metadata/identity/oauth2/token"


@pytest.mark.parametrize("thumbprint", ["ab" * 20, "AB" * 20, ":".join(["Ab"] * 20), " ".join(["aB"] * 20)])
def test_a_thumbprint_is_read_in_every_spelling(thumbprint: str) -> None:
    """Upper or lower case, with colons or spaces."""
    assert detect(ALL | {"IDENTITY_SERVER_THUMBPRINT": thumbprint}).thumbprint == "ab" * 20


@pytest.mark.parametrize("thumbprint", ["ab" * 19, "ab" * 32, "xy" * 20, "-" * 40])
def test_what_is_no_sha1_is_refused(thumbprint: str) -> None:
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


def test_the_secret_does_not_show() -> None:
    """A place may be logged."""
    assert "secret" not in repr(detect(ALL))

"""The clouds: their names, their sign-in hosts, and the errors for unknown names."""

from __future__ import annotations

import pytest

from mstoken.clouds import (
    BLEU,
    CHINA,
    CLOUDS,
    PUBLIC,
    US_GOVERNMENT,
    US_GOVERNMENT_DOD,
    Cloud,
    cloud,
    cloud_of_authority,
)
from mstoken.errors import UsageError


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("public", PUBLIC),
        ("AzureCloud", PUBLIC),
        ("GCC", PUBLIC),
        ("usgov", US_GOVERNMENT),
        ("AzureUSGovernment", US_GOVERNMENT),
        ("gcc-high", US_GOVERNMENT),
        ("usgov_dod", US_GOVERNMENT_DOD),
        ("DoD", US_GOVERNMENT_DOD),
        ("china", CHINA),
        (" AzureChinaCloud ", CHINA),
        ("bleu", BLEU),
    ],
)
def test_a_cloud_is_found_by_name_and_alias_in_any_letter_case(word: str, expected: Cloud) -> None:
    """The names of the Azure CLI, of Terraform and of everyday use lead to the same cloud."""
    assert cloud(word) is expected


def test_every_name_and_alias_belongs_to_one_cloud() -> None:
    """Names are lower case and unique."""
    words = [word for known in CLOUDS for word in (known.name, *known.aliases)]
    assert len(words) == len(set(words))
    assert all(word == word.lower() for word in words)


def test_an_unknown_cloud_is_an_error_with_a_suggestion_and_the_known_names() -> None:
    """For a misspelling the error names the cloud that was meant, and all known clouds."""
    with pytest.raises(UsageError) as caught:
        cloud("AzureUSGoverment")
    assert "Did you mean usgov?" in caught.value.remedy
    assert all(known.name in caught.value.remedy for known in CLOUDS)


def test_a_name_unlike_all_others_gets_no_suggestion() -> None:
    """If no name is close, none is suggested."""
    with pytest.raises(UsageError) as caught:
        cloud("zzzzzz")
    assert "Did you mean" not in caught.value.remedy


@pytest.mark.parametrize("known", CLOUDS, ids=lambda known: known.name)
def test_every_sign_in_host_belongs_to_its_cloud(known: Cloud) -> None:
    """A host, as a URL or bare, in any letter case, finds a cloud with that same authority."""
    assert known.login_hosts[0] == known.authority_host
    for host in known.login_hosts:
        for written in (host, f"https://{host.upper()}/", f"https://{host}:443/common"):
            found = cloud_of_authority(written)
            assert found is not None
            assert found.authority_host == known.authority_host


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8443",
        "login.microsoftonline.com.evil.example",
        "https://login.microsoftonline.com@evil.example",
        "http://login.microsoftonline.com",
        "evil.example/login.microsoftonline.com",
        "",
    ],
)
def test_a_host_that_resembles_a_cloud_belongs_to_none(host: str) -> None:
    """Private authorities and look-alike hosts belong to no cloud."""
    assert cloud_of_authority(host) is None


def test_gcc_high_and_dod_share_their_authority() -> None:
    """The shared sign-in host returns GCC High; the DoD must be named."""
    assert US_GOVERNMENT.authority_host == US_GOVERNMENT_DOD.authority_host
    assert cloud_of_authority(US_GOVERNMENT_DOD.authority_host) is US_GOVERNMENT

"""services.toml and first_party.txt as data: well-formed, unambiguous, and read the same by every way of reading."""

from __future__ import annotations

import tomllib
from collections import defaultdict

import pytest

from mstoken import services
from mstoken.clouds import CLOUDS
from mstoken.services import Service, catalogue, identifiers_of, registered, search, service_of
from mstoken.services.catalogue import _host_patterns, by_app_id, by_host, by_name, by_resource
from mstoken.services.target import is_guid, is_permission
from mstoken.services.toml_subset import packaged, parse_tables

TEXT = packaged(services.__spec__, "services.toml")
SERVICES = catalogue()


def _listed(value: object) -> object:
    """tomllib's lists as tuples, to compare with the quick reader's."""
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in value.items()}
    return tuple(value) if isinstance(value, list) else value


def test_the_toml_subset_parser_agrees_with_tomllib() -> None:
    """The reader that mstoken uses and tomllib agree on every value of the file."""
    assert parse_tables(TEXT) == _listed(tomllib.loads(TEXT))


@pytest.mark.parametrize(
    "line", ["key = 3", "key = 'single'", 'key = "a\\"b"', 'key = "open', "key", 'key = ["a\\u0041"]', "key = nothing"]
)
def test_the_toml_subset_parser_refuses_other_syntax(line: str) -> None:
    """TOML outside the part the file keeps to is an error, never a wrong value."""
    with pytest.raises(ValueError, match="not a"):
        parse_tables(f"[name]\n{line}\n")


def test_every_surveyed_service_is_in_the_catalogue() -> None:
    """The 113 services of the survey are there, and those that were split off from them."""
    assert len(SERVICES) >= 113
    assert {"graph", "arm", "partner"} <= {service.name for service in SERVICES}


def test_every_name_and_alias_means_one_service() -> None:
    """No word leads to two services, and all are lower case."""
    words = [word for service in SERVICES for word in (service.name, *service.aliases)]
    assert len(words) == len(set(words))
    assert all(word.replace("-", "").isalnum() and word == word.lower() for word in words)


def test_every_block_has_known_keys_only() -> None:
    """A misspelt key or cloud would be data that nobody reads."""
    known = set(Service.__match_args__) | {cloud.name for cloud in CLOUDS}
    for name, table in tomllib.loads(TEXT).items():
        assert set(table) <= known - {"name", "endpoints"}, name
        for key, value in table.items():
            if isinstance(value, dict):
                assert set(value) <= {"scope", "api", "instances", "hosts"}, (name, key)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_service_is_well_formed(service: Service) -> None:
    """Scopes, hosts, application id and words of certainty have the forms that code relies on."""
    clouds = {cloud.name for cloud in CLOUDS}
    assert service.title
    assert service.source
    assert service.endpoints
    assert set(service.clouds) <= clouds
    assert set(service.unverified_clouds) <= set(service.clouds)
    assert service.app_only in {"yes", "partial", "no"}
    assert service.verified in {"registered", "source", "recalled"}
    assert not service.app_id or (is_guid(service.app_id) and service.app_id == service.app_id.lower())
    for endpoint in service.endpoints.values():
        resource, _, permission = endpoint.scope.rpartition("/")
        assert permission == ".default" or is_permission(permission)
        assert is_guid(resource) or resource.startswith(("https://", "api://", "urn:"))
        assert resource.count("//") <= 1 + resource.endswith("//")
        assert "{" not in endpoint.scope.replace("{host}", "")
        assert "{" not in endpoint.api.replace("{host}", "")
        assert "*" not in endpoint.api
        if "{host}" in endpoint.scope + endpoint.api:
            assert endpoint.instances
        counts = [form.count("*") for form in endpoint.instances]
        assert counts == sorted(set(counts))
        assert all(counts)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_host_pattern_is_of_a_form_the_search_tries(service: Service) -> None:
    """A pattern that the text search does not try would never be found."""
    for endpoint in service.endpoints.values():
        for pattern in endpoint.hosts:
            assert pattern == pattern.lower()
            assert pattern in _host_patterns(pattern.replace("*", "x"))
            assert "*" not in pattern.split(".")[-2:]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_quick_lookups_find_what_a_full_scan_finds(service: Service) -> None:
    """By name, application id, resource and host, the text search answers as if all had been parsed."""
    for word in (service.name, *service.aliases):
        assert by_name(word.upper()) == service
    if service.app_id:
        assert by_app_id(service.app_id) == next(one for one in SERVICES if one.app_id == service.app_id)
    for endpoint in service.endpoints.values():
        if "{host}" not in endpoint.scope:
            for form in (endpoint.resource, endpoint.resource.rstrip("/"), endpoint.resource.upper()):
                assert (service, endpoint) in by_resource(form)
        for pattern in endpoint.hosts:
            assert (service, endpoint) in by_host(pattern.replace("*", "name"))
    for identifier in service.identifiers:
        assert service in [found for found, _ in by_resource(identifier)]


def test_only_these_hosts_are_ambiguous() -> None:
    """One host with two tokens is ambiguous; the known cases are the Service Bus family, and no new ones slip in."""
    scopes = defaultdict(set)
    for service in SERVICES:
        for endpoint in service.endpoints.values():
            for pattern in endpoint.hosts:
                scopes[pattern, endpoint.cloud].add(endpoint.scope)
    assert {host for (host, _), values in scopes.items() if len(values) > 1} == {
        "*.servicebus.windows.net",
        "*.servicebus.usgovcloudapi.net",
        "*.servicebus.chinacloudapi.cn",
    }


@pytest.mark.parametrize("service", [one for one in SERVICES if one.verified == "registered"], ids=lambda one: one.name)
def test_registered_identifiers_are_in_the_published_list(service: Service) -> None:
    """`verified = "registered"` is checked against the list itself, with the application id."""
    endpoint = service.endpoints["public"]
    found = registered(endpoint.resource)
    assert found is not None
    assert found[1] == service.app_id
    for identifier in service.identifiers:
        assert registered(identifier) == (identifier, service.app_id)


def test_the_registered_form_keeps_its_slash() -> None:
    """ARM is registered with a slash and Key Vault without, whatever was asked."""
    for asked in ("https://management.azure.com", "https://MANAGEMENT.azure.com/"):
        assert registered(asked) == ("https://management.azure.com/", "797f4846-ba00-4fd7-ba43-dac1f8f63013")
    for asked in ("https://vault.azure.net", "https://vault.azure.net/"):
        assert registered(asked) == ("https://vault.azure.net", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093")


def test_a_wildcard_registration_covers_one_label() -> None:
    """A storage account's own host is a resource; a host two labels deep, or the bare parent, is not."""
    found = registered("https://acct.blob.core.windows.net")
    assert found == ("https://acct.blob.core.windows.net", "e406a681-f3d4-42a8-90b6-c2b029497af1")
    assert registered("https://a.b.blob.core.windows.net") is None
    assert registered("https://blob.core.windows.net") is None
    assert registered("https://acct.blob.core.windows.net.evil.example") is None


def test_an_application_id_gives_its_identifiers() -> None:
    """The list is read from both sides; an unknown application has none."""
    assert "https://graph.microsoft.com" in identifiers_of("00000003-0000-0000-C000-000000000000")
    assert identifiers_of("00000000-0000-0000-0000-000000000000") == ()
    assert identifiers_of("") == ()


@pytest.mark.parametrize(
    ("audience", "name"),
    [
        ("00000003-0000-0000-c000-000000000000", "graph"),
        ("https://graph.microsoft.com/", "graph"),
        ("https://management.core.windows.net/", "asm"),
        ("https://api-eu.securitycenter.microsoft.com", "mde"),
        ("499b84ac-1321-427f-aa17-267ca6975798", "ado"),
    ],
)
def test_a_tokens_audience_names_its_service(audience: str, name: str) -> None:
    """What stands in `aud`, an application id or any registered identifier, leads to the service."""
    found = service_of(audience)
    assert found is not None
    assert found.name == name


def test_a_foreign_audience_names_no_service() -> None:
    """An audience of somebody's own API is nobody else's."""
    assert service_of("api://contoso/api") is None
    assert service_of("11111111-2222-3333-4444-555555555555") is None


def test_search_ranks_names_before_mentions() -> None:
    """A service's own name comes first, then those that begin so; words must all be there; nothing finds nothing."""
    assert search("graph")[0].name == "graph"
    assert search("Key Vault")[0].name == "keyvault"
    assert "adx" in {service.name for service in search("kusto.windows.net")}
    assert search("") == SERVICES
    assert search("no such thing at all") == ()

"""No text makes `resolve` choose a known service's token for a host that is not that service's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mstoken.clouds import CLOUDS, Cloud
from mstoken.errors import UsageError
from mstoken.services import Scope, Target, catalogue, resolve, resolve_all
from mstoken.services.catalogue import host_matches

PATTERNS = sorted(
    {(pattern, one.name) for one in catalogue() for end in one.endpoints.values() for pattern in end.hosts}
)
RESOURCE_HOSTS = {
    uri.removeprefix("https://").split("/")[0].lower()
    for one in catalogue()
    for uri in (*one.identifiers, *(end.resource for end in one.endpoints.values()))
    if uri.startswith("https://")
}


def _belongs(host: str, target: Target) -> bool:
    """Whether the catalogue, read as a whole, gives this very host to the service that was chosen."""
    assert target.service is not None
    assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    return host in RESOURCE_HOSTS or any(
        name == target.service.name and host_matches(pattern, host) for pattern, name in PATTERNS
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.microsoft.com@evil.example/v1.0/me",
        "https://graph.microsoft.com:443@evil.example/v1.0/me",
        "https://user:secret@graph.microsoft.com/v1.0/me",
        "https://graph.microsoft.com.evil.example/v1.0/me",
        "https://evil.example/https://graph.microsoft.com/v1.0/me",
        "https://evil.example/.graph.microsoft.com/x",
        "https://evil.example?https://graph.microsoft.com/v1.0",
        "https://evil.example#graph.microsoft.com/v1.0",
        "https://evil.example\\.graph.microsoft.com/v1.0",
        "https://graph.microsoft.com\\@evil.example/v1.0",
        "https:\\\\graph.microsoft.com/v1.0",
        "https:/graph.microsoft.com/v1.0",
        "https:///graph.microsoft.com/v1.0",
        "//graph.microsoft.com/v1.0",
        "/v1.0/me",
        "\\\\graph.microsoft.com\\v1.0",
        "https://graph.microsoft.com%2eevil.example/v1.0",
        "https://graph.microsoft.com%00.evil.example/v1.0",
        "https://graph.microsoft.com\x00.evil.example/v1.0",
        "https://graph.microsoft.com\t.evil.example/v1.0",
        "https://graph。microsoft。com/v1.0",
        "https://gráph.microsoft.com/v1.0",
        "https://\uff47raph.microsoft.com/v1.0",
        "https://graph.microsoft.com../v1.0",
        "https://.graph.microsoft.com/v1.0",
        "https://graph..microsoft.com/v1.0",
        "https://xn--grph-0qa.microsoft.com/v1.0",
        "https://evil-graph.microsoft.com/v1.0",
        "https://graph.microsoft.com:8443/v1.0",
        "https://graph.microsoft.com:0443x/v1.0",
        "https://graph.microsoft.com:/v1.0@evil.example:80:80/",
        "https://graph.microsoft.com//evil.example/v1.0",
        "https://evil.vault.azure.net.evil.example/secrets",
        "https://a.b.vault.azure.net/secrets",
        "https://vault.azure.net.evil.example/secrets",
        "https://evil%23.vault.azure.net/secrets",
        "https://evil%2f.sharepoint.com/sites/x",
        "https://evil\uff03.vault.azure.net/secrets",
        "https://a*b.vault.azure.net/secrets",
        "https://app.azurewebsites.net/api",
        "https://gateway.azure-api.net/orders",
        "https://[::1]/v1.0",
        "http://graph.microsoft.com/v1.0/me",
        "ws://graph.microsoft.com/v1.0",
        "javascript://graph.microsoft.com/%0aalert(1)",
        "file:///etc/passwd",
        "graph.microsoft.com@evil.example",
        "graph.microsoft.com.evil.example/v1.0/me",
    ],
)
def test_a_disguised_url_gets_no_token(url: str) -> None:
    """What looks like a known API and is not, or may be read in two ways, is refused."""
    with pytest.raises(UsageError):
        resolve(url)


@pytest.mark.parametrize(
    "url", ["https://graph.microsoft.com.evil.example", "https://management.azure.com.evil.example/"]
)
def test_a_look_alike_without_a_path_is_only_its_own_resource(url: str) -> None:
    """Where it is let through as a custom resource, the scope is its own host's, which Entra does not know."""
    target = resolve(url)
    assert target.service is None
    assert target.verified is False
    assert target.scopes == (f"{url}/.default",)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("https://someone:hunter2@graph.microsoft.com/x", "hunter2"),
        ("https://unknown.example/x?sig=hunter2", "hunter2"),
        ("abc8Q~hunter2", "hunter2"),
        ("eyJ0eXAiOiJKV1QifQ." + "hunter2" * 20, "hunter2"),
    ],
)
def test_an_error_does_not_repeat_what_may_be_secret(text: str, secret: str) -> None:
    """Passwords and signatures in URLs, and secrets given where a name belongs, do not come back in the message."""
    with pytest.raises(UsageError) as caught:
        resolve(text)
    assert secret not in str(caught.value)
    assert secret not in repr(caught.value)


hosts = st.sampled_from([pattern.replace("*", "name") for pattern, _ in PATTERNS])
junk = st.sampled_from(
    [
        "",
        "@",
        ".",
        "..",
        "/",
        "//",
        "\\",
        ":",
        ":443",
        ":80",
        "%2e",
        "#",
        "?",
        ".evil.example",
        "evil.example",
        "*",
        "x.",
    ]
)
ends = st.sampled_from(
    ["", "/", "/v1.0/me", "/.default", "//.default", "/User.Read", "/a?b=c", "#x", "/user_impersonation"]
)
schemes = st.sampled_from(["https://", "HTTPS://", "http://", "https:", "//", "", "api://", "urn:", "wss://"])
mangled = st.builds(
    lambda scheme, before, host, after, end, upper: scheme + before + (host.upper() if upper else host) + after + end,
    schemes, junk, hosts, junk, ends, st.booleans(),
)  # fmt: skip
clouds = st.sampled_from(CLOUDS)


@settings(max_examples=400, deadline=None)
@given(mangled, clouds)
def test_only_a_services_own_hosts_resolve_to_it(text: str, cloud: Cloud) -> None:
    """However a URL is twisted, the service that is chosen is one the catalogue gives that exact host."""
    try:
        target = resolve(text, cloud)
    except UsageError:
        return
    if target.service is None or text.lower().startswith(("api:", "urn:")):
        return
    authority = text.partition("://")[2] if "://" in text else text
    for stop in "/?#":
        authority = authority.partition(stop)[0]
    assert "@" not in authority
    assert "\\" not in text
    host = authority.lower().removesuffix(":443").removesuffix(":80").removesuffix(".")
    assert _belongs(host, target)
    assert text.lower().startswith(("https://", host))


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60) | st.text(max_size=60).map(Scope), clouds)
def test_any_text_gives_a_target_or_a_usage_error(text: str, cloud: Cloud) -> None:
    """There is no text that ends in another exception, and every target has what a request needs."""
    try:
        target = resolve_all((text,), cloud)
    except UsageError as refusal:
        told = (refusal.message, refusal.remedy)
        if not all(told):
            pytest.fail(f"an error without message or remedy: {told}")
        return
    assert target.scopes
    assert all(scope and scope == "".join(scope.split()) for scope in target.scopes)
    assert target.resource


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([one.name for one in catalogue()]), st.text(max_size=30), clouds)
def test_an_instance_can_only_name_a_host_of_the_service(name: str, instance: str, cloud: Cloud) -> None:
    """Nothing after the colon leads to a host outside the service."""
    try:
        target = resolve(f"{name}:{instance}", cloud)
    except UsageError:
        return
    assert target.instance is not None
    assert _belongs(target.instance.split("/")[0], target)

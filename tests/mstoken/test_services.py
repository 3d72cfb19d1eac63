"""`resolve`: what people write, and the token it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from mstoken.clouds import BLEU, CHINA, DELOS, PUBLIC, US_GOVERNMENT, US_GOVERNMENT_DOD, Cloud, cloud
from mstoken.errors import UsageError
from mstoken.services import Scope, Target, resolve, resolve_all

DATA = Path(__file__).parent / "data"


def _rows(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


SURVEY = _rows("service_scopes.tsv")
QUESTIONS = _rows("service_questions.tsv")


def _named(target: Target) -> str | None:
    return target.service.name if target.service else None


@pytest.mark.parametrize(("where", "what", "scope"), SURVEY, ids=lambda value: str(value)[:50])
def test_every_surveyed_service_resolves_by_every_alias_in_every_cloud(where: str, what: str, scope: str) -> None:
    """The survey of 113 services, kept apart from the catalogue's own file, gives the same scopes."""
    target = resolve(what, cloud(where))
    assert target.scopes == (scope,)
    assert target.resource == scope.rpartition("/")[0]
    assert target.service is not None
    assert target == resolve(what.upper(), cloud(where))


@pytest.mark.parametrize(
    ("scope", "sent"),
    [
        ("https://management.azure.com/.default", "https://management.azure.com//.default"),
        ("https://management.azure.com//.default", "https://management.azure.com//.default"),
        ("https://management.azure.com/user_impersonation", "https://management.azure.com/user_impersonation"),
        ("https://graph.microsoft.com//.default", "https://graph.microsoft.com//.default"),
        ("797f4846-ba00-4fd7-ba43-dac1f8f63013/.default", "797f4846-ba00-4fd7-ba43-dac1f8f63013/.default"),
    ],
)
def test_the_slash_of_resource_manager_makes_no_second_token(scope: str, sent: str) -> None:
    """SDKs omit the slash with which the resource is registered; the API accepts both audiences."""
    assert resolve(Scope(scope)).scopes == (sent,)


@pytest.mark.parametrize(("url", "name", "scope"), _rows("service_urls.tsv"))
def test_an_api_url_finds_its_service(url: str, name: str, scope: str) -> None:
    """The address of an API is enough to know its token."""
    target = resolve(url)
    assert (_named(target), target.scopes) == (name, (scope,))


@pytest.mark.parametrize(
    ("what", "host", "scope", "api_base"),
    [
        ("sharepoint:contoso-admin", "contoso-admin.sharepoint.com", "https://{}/.default", "https://{}/_api"),
        ("SPO:Contoso.SharePoint.com", "contoso.sharepoint.com", "https://{}/.default", "https://{}/_api"),
        ("dataverse:org", "org.crm.dynamics.com", "https://{}/.default", "https://{}/api/data/v9.2"),
        ("dataverse:org.crm4", "org.crm4.dynamics.com", "https://{}/.default", "https://{}/api/data/v9.2"),
        ("keyvault:myvault", "myvault.vault.azure.net", "https://vault.azure.net/.default", "https://{}"),
        ("storage:acct", "acct.blob.core.windows.net", "https://storage.azure.com/.default", "https://{}"),
        ("storage:acct.dfs", "acct.dfs.core.windows.net", "https://storage.azure.com/.default", "https://{}"),
        ("adx:c.westeurope", "c.westeurope.kusto.windows.net", "https://{}/.default", "https://{}"),
        ("ado:org", "dev.azure.com/org", "499b84ac-1321-427f-aa17-267ca6975798/.default", "https://{}"),
        ("sql:server", "server.database.windows.net", "https://database.windows.net//.default", "{}:1433"),
    ],
)
def test_an_instance_is_named_after_a_colon(what: str, host: str, scope: str, api_base: str) -> None:
    """`name:instance` gives the scope and the address of the customer's own instance."""
    target = resolve(what)
    assert (target.instance, target.scopes, target.api_base) == (host, (scope.format(host),), api_base.format(host))


@pytest.mark.parametrize("what", ["https://*.asazure.windows.net", "https://*.asazure.windows.net/.default"])
def test_a_resource_written_with_an_asterisk_is_taken_whole(what: str) -> None:
    """Analysis Services' resource is one for all its hosts; no other address may have an asterisk."""
    for target in (resolve(what), resolve_all((Scope(what),))):
        assert (_named(target), target.scopes) == ("asazure", ("https://*.asazure.windows.net/.default",))
    for other in ("https://*.example.com/.default", "https://*.asazure.windows.net/servers", "https://*.windows.net"):
        with pytest.raises(UsageError, match="not a URL"):
            resolve(other)


@pytest.mark.parametrize(("what", "name", "user", "verified", "scope"), QUESTIONS)
def test_resources_scopes_and_ids_are_used_literally(
    what: str, name: str, user: str, verified: str, scope: str
) -> None:
    """A resource becomes its registered scope, a scope stays as written, an API of one's own is its own resource.

    Only `/.default` can do without a user, and nothing unknown claims to have been verified.
    """
    target = resolve(what)
    assert (target.scopes, _named(target) or "-") == ((scope,), name)
    assert target.needs_user is (user == "user")
    assert target.verified is (verified == "verified")


@pytest.mark.parametrize(
    ("what", "where", "scope", "api_base"),
    [
        ("graph", US_GOVERNMENT, "https://graph.microsoft.us/.default", "https://graph.microsoft.us/v1.0"),
        ("graph", US_GOVERNMENT_DOD, "https://dod-graph.microsoft.us/.default", "https://dod-graph.microsoft.us/v1.0"),
        ("arm", BLEU, "https://management.sovcloud-api.fr//.default", "https://management.sovcloud-api.fr"),
        ("keyvault:v", CHINA, "https://vault.azure.cn/.default", "https://v.vault.azure.cn"),
        ("storage:a", US_GOVERNMENT, "https://storage.azure.com/.default", "https://a.blob.core.usgovcloudapi.net"),
    ],
)
def test_a_cloud_changes_scope_resource_and_host_together(what: str, where: Cloud, scope: str, api_base: str) -> None:
    """Nothing of the public cloud is left over in a national cloud's answer."""
    target = resolve(what, where)
    assert (target.scopes, target.resource, target.api_base) == ((scope,), scope.rpartition("/")[0], api_base)


def test_a_bare_permission_belongs_to_the_clouds_graph() -> None:
    """`User.Read` in China is Graph's in China."""
    assert resolve("User.Read", CHINA).scopes == ("https://microsoftgraph.chinacloudapi.cn/User.Read",)


def test_gcc_high_and_dod_may_call_each_others_hosts() -> None:
    """They share an authority, so the DoD's Graph can be asked for from either."""
    target = resolve("https://dod-graph.microsoft.us/v1.0/me", US_GOVERNMENT)
    assert target.scopes == ("https://dod-graph.microsoft.us/.default",)


@pytest.mark.parametrize(
    ("what", "where", "flag"),
    [
        ("https://graph.microsoft.us/v1.0/me", PUBLIC, 'authority="usgov"'),
        ("https://graph.microsoft.com/v1.0/me", CHINA, 'authority="public"'),
        ("https://management.chinacloudapi.cn", PUBLIC, 'authority="china"'),
        ("https://v.vault.usgovcloudapi.net/secrets", PUBLIC, 'authority="usgov"'),
        ("https://acct.blob.core.windows.net/x", BLEU, 'authority="public"'),
    ],
)
def test_another_clouds_url_is_refused_with_the_right_authority(what: str, where: Cloud, flag: str) -> None:
    """A token of the wrong authority is worth nothing there, so the error names the right cloud."""
    with pytest.raises(UsageError) as caught:
        resolve(what, where)
    assert flag in caught.value.remedy


def test_another_clouds_full_scope_only_warns() -> None:
    """Who writes a scope in full gets it, with a word about the cloud."""
    target = resolve("https://graph.microsoft.us/.default")
    assert target.scopes == ("https://graph.microsoft.us/.default",)
    assert "US Government" in target.warning


@pytest.mark.parametrize(("what", "where"), [("ado", CHINA), ("graph", DELOS), ("sharepoint:contoso", BLEU)])
def test_a_service_missing_in_a_cloud_names_the_clouds_that_have_it(what: str, where: Cloud) -> None:
    """The error lists the clouds that have the service."""
    with pytest.raises(UsageError) as caught:
        resolve(what, where)
    assert "public" in caught.value.remedy


@pytest.mark.parametrize(
    ("what", "part"),
    [
        ("grahp", "Did you mean graph?"),
        ("sharepoint", "sharepoint:NAME"),
        ("graph:contoso", "Ask for graph"),
        ("keyvault:my_vault", "keyvault:NAME"),
        ("keyvault:a.b.c", "keyvault:NAME"),
        ("keyvault:", "keyvault:NAME"),
        ("https://ns.servicebus.windows.net/queue", "Name the one you mean"),
        ("https://api.example.org/v1/things", "RESOURCE/.default"),
        ("https://graph.microsoft.com:8443/v1.0/me", "name the service: graph"),
        ("http://graph.microsoft.com/v1.0/me", "https://"),
        ("http://graph.microsoft.com/.default", "https://"),
        ("registered", "mstoken services"),
        ("", "mstoken services"),
        ("ftp://example.org/x", "mstoken services"),
    ],
)
def test_an_ambiguous_name_is_refused_with_the_choices(what: str, part: str) -> None:
    """Every refusal says what to do next."""
    with pytest.raises(UsageError) as caught:
        resolve(what)
    assert part in caught.value.remedy


@pytest.mark.parametrize(
    ("what", "part"), [("redis:r", "unverified"), ("aadgraph", "retired"), ("partner/.default", "user's token")]
)
def test_unverified_entries_are_marked(what: str, part: str) -> None:
    """Unverified, retired and half-open services warn in words."""
    assert part in resolve(what).warning


def test_unverified_entries_are_marked_per_cloud() -> None:
    """A service can be sure in one cloud and unconfirmed in another."""
    assert resolve("exchange").verified
    elsewhere = resolve("exchange", CHINA)
    assert not elsewhere.verified
    assert "china" in elsewhere.warning


def test_scopes_of_one_resource_become_one_request() -> None:
    """Permissions merge, doubles vanish, OpenID Connect's words come last."""
    target = resolve_all(
        ("openid", "User.Read", "https://graph.microsoft.com/Mail.Send", "User.Read", "offline_access")
    )
    assert target.scopes == (
        "https://graph.microsoft.com/User.Read",
        "https://graph.microsoft.com/Mail.Send",
        "openid",
        "offline_access",
    )
    assert target.needs_user
    assert target == resolve("openid User.Read https://graph.microsoft.com/Mail.Send offline_access")


def test_openid_connect_scopes_alone_are_a_request() -> None:
    """`openid profile` names no resource; Entra gives Graph's token then."""
    target = resolve_all(("openid", "profile"))
    assert target.scopes == ("openid", "profile")
    assert target.needs_user


@pytest.mark.parametrize(
    "scopes", [("graph", "arm"), ("User.Read", "https://vault.azure.net/.default"), ("graph", "User.Read"), ()]
)
def test_scopes_of_different_resources_are_refused(scopes: tuple[str, ...]) -> None:
    """Two resources, `/.default` with single permissions, and nothing at all are no request."""
    with pytest.raises(UsageError):
        resolve_all(scopes)


def test_a_literal_scope_is_not_parsed_as_a_url() -> None:
    """After `--scope` an https text with a path is a scope, not an address; names keep their meaning."""
    assert resolve_all((Scope("https://api.example.org/v1/things"),)).scopes == ("https://api.example.org/v1/things",)
    assert resolve_all((Scope("https://contoso.example/api/.default"),)).needs_user is False
    assert resolve_all((Scope("graph"),)) == resolve("graph")
    assert resolve_all((Scope("https://vault.azure.net"),)) == resolve("keyvault")
    with pytest.raises(UsageError):
        resolve_all((Scope("https://graph.microsoft.com@evil.example/.default"),))

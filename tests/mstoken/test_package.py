"""The package as a whole: its public names, and how little importing it costs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import mstoken

ROOT = Path(__file__).resolve().parents[2]

PUBLIC = [
    "AccessBlocked",
    "AgentIdentity",
    "AgentUser",
    "ApiRefused",
    "ApiResponse",
    "AsyncClient",
    "Authority",
    "AuthorizationCode",
    "AuthorizationPending",
    "AzureCli",
    "AzureDeveloperCli",
    "AzurePipelines",
    "AzurePowerShell",
    "Browser",
    "CallbackAssertion",
    "Client",
    "ClientAssertion",
    "ClientCertificate",
    "ClientKey",
    "ClientSecret",
    "ConsentRequired",
    "CredentialRejected",
    "DeviceCode",
    "DevicePrompt",
    "FileAssertion",
    "FmiPath",
    "GitHubActions",
    "ManagedIdentity",
    "Misconfigured",
    "MstokenError",
    "NotConfigured",
    "OnBehalfOf",
    "Password",
    "RefreshToken",
    "ServiceUnavailable",
    "SignInRequired",
    "StoreError",
    "Stores",
    "TenantResult",
    "Throttled",
    "Token",
    "TokenAssertion",
    "TokenRefused",
    "TransportError",
    "TryLater",
    "UnreadableAnswer",
    "UntrustedCertificate",
    "UntrustedOrigin",
    "UsageError",
    "WorkloadIdentity",
    "claims_challenge",
    "default",
    "key_vault_refresh_tokens",
    "key_vault_secret",
    "redis_stores",
]

SLOW = [
    "asyncio",
    "aiohttp",
    "click",
    "concurrent",
    "cryptography",
    "dataclasses",
    "filelock",
    "http",
    "httpx",
    "importlib.metadata",
    "inspect",
    "joserfc",
    "json",
    "keyring",
    "logging",
    "platformdirs",
    "re",
    "redis",
    "requests",
    "socket",
    "sqlite3",
    "ssl",
    "tomllib",
    "typing",
    "urllib",
]


def modules_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after `code`, without those of an empty program."""
    report = "; import sys; print(*sys.modules)"
    found = [
        set(
            subprocess.run(
                [sys.executable, "-I", "-c", start + report], capture_output=True, text=True, check=True
            ).stdout.split()
        )
        for start in (code, "pass")
    ]
    return found[0] - found[1]


def test_public_names_are_these() -> None:
    """What `from mstoken import …` offers is decided here, not by accident; each name is there."""
    assert sorted(PUBLIC) == sorted(mstoken.__all__)
    assert [name for name in mstoken.__all__ if not hasattr(mstoken, name)] == []


def test_importing_the_package_loads_nothing_slow() -> None:
    """No HTTP client, no cryptography, no asyncio: names load what they need when first used."""
    loaded = modules_after("import mstoken")
    assert not {name.partition(".")[0] for name in loaded} & set(SLOW)
    assert len(loaded) <= 2


def test_a_constructor_loads_no_http_client_and_opens_nothing() -> None:
    """Constructing clients of every kind imports neither an HTTP client nor cryptography nor asyncio."""
    made = (
        "from mstoken import *; secret = ClientSecret('s'); Client('contoso.com', 'app', secret); "
        "AsyncClient('contoso.com', 'app', secret); Client('contoso.com', 'app', RefreshToken('r', secret))"
    )
    loaded = {name.partition(".")[0] for name in modules_after(made)}
    assert not loaded & {"http", "httpx", "requests", "cryptography", "asyncio", "sqlite3", "ssl", "keyring"}


def test_every_module_imports_with_only_what_a_plain_installation_has_on_every_system() -> None:
    """Extras, and what only some systems get, are imported where they are used: tools walk packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    everywhere = {named(line) for line in project["dependencies"] if ";" not in line}
    some = {named(line) for line in project["dependencies"] if ";" in line}
    extras = {named(line) for lines in project["optional-dependencies"].values() for line in lines}
    absent = sorted(
        module
        for module, names in packages_distributions().items()
        if {name.lower() for name in names} & ((some | extras) - everywhere - {"mstoken"})
    )
    assert {"truststore", "keyring", "requests", "httpx", "redis", "starlette"} <= set(absent)
    walk = (
        f"import importlib, pkgutil, sys; sys.modules.update(dict.fromkeys({absent!r})); import mstoken; "
        "[importlib.import_module(module.name) for module in pkgutil.walk_packages(mstoken.__path__, 'mstoken.') "
        "if not module.name.endswith('__main__')]"
    )
    done = subprocess.run([sys.executable, "-I", "-c", walk], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def named(requirement: str) -> str:
    """The distribution's name at the start of a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return found[0].lower()


def test_the_version_is_an_attribute() -> None:
    """As in most packages."""
    from importlib.metadata import version

    assert mstoken.__version__ == version("mstoken")


def test_help_of_a_credential_shows_its_fields_and_types() -> None:
    """`help(ClientSecret)` says what to write."""
    from pydoc import plain, render_doc

    assert "ClientSecret(secret: 'str')" in plain(render_doc(mstoken.ClientSecret))
    text = plain(render_doc(mstoken.ManagedIdentity))
    assert "ManagedIdentity(client_id: 'str' = '', object_id: 'str' = ''" in text


def test_errors_in_python_give_advice_for_python() -> None:
    """No option of the command line appears in them."""
    client = mstoken.Client("contoso.example", "c", mstoken.ClientSecret("s"))
    for call in (
        lambda: client.get_token("grph"),
        lambda: client.get_token("https://unknown.example/api"),
        lambda: client.get_token("https://graph.microsoft.us/v1.0/me"),
        lambda: client.get_token("User.Read"),
        lambda: client.request("GET", "https://example.com/", scope="graph"),
    ):
        with pytest.raises(mstoken.MstokenError) as caught:
            call()
        assert "--scope" not in str(caught.value)
        assert "--origin" not in str(caught.value)
        assert "--cloud" not in str(caught.value)

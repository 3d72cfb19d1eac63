"""What settings make of an application's proof: the right credential, or a sentence that says what to write."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.home import Home

from mstoken import (
    AgentIdentity,
    AgentUser,
    AzurePipelines,
    CallbackAssertion,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    FileAssertion,
    FmiPath,
    GitHubActions,
    RefreshToken,
    TokenAssertion,
    UsageError,
)
from mstoken.credentials import ManagedIdentity
from mstoken.keys.pkcs11 import Pkcs11Key

WHO = 'tenant = "t"\nclient_id = "c"\n'


def of_profile(home: Home, text: str, **environ: str) -> Any:
    home.write(f"[profile.default]\n{WHO}{text}\n")
    return home.settings({}, **environ).credential


def test_variables_make_a_certificate(home: Home) -> None:
    """Path, password and the chain's switch are those of the Azure SDKs."""
    settings = home.settings(
        AZURE_TENANT_ID="t",
        AZURE_CLIENT_ID="c",
        AZURE_CLIENT_CERTIFICATE_PATH="app.pfx",
        AZURE_CLIENT_CERTIFICATE_PASSWORD="p",
        AZURE_CLIENT_SEND_CERTIFICATE_CHAIN="1",
    )
    assert settings.credential == ClientCertificate("app.pfx", password="p", send_chain=True)
    assert "'p'" not in repr(settings)


@pytest.mark.parametrize(("text", "sent"), [("true", True), ("1", True), ("false", False), ("0", False), ("", False)])
def test_send_certificate_chain_is_true_or_false(home: Home, text: str, sent: bool) -> None:  # noqa: FBT001
    """`false` means false, whatever other tools make of any text."""
    who = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_CERTIFICATE_PATH": "a"}
    credential = home.settings({}, **who, AZURE_CLIENT_SEND_CERTIFICATE_CHAIN=text).credential
    assert isinstance(credential, ClientCertificate)
    assert credential.send_chain is sent


@pytest.mark.parametrize("text", ["ture", "2", "enabled", '"true"', "-"])
def test_a_switch_that_is_neither_true_nor_false_is_refused(home: Home, text: str) -> None:
    """A certificate chain that is silently missing ends with an error of Entra that does not explain it."""
    who = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_CERTIFICATE_PATH": "a"}
    with pytest.raises(UsageError, match="AZURE_CLIENT_SEND_CERTIFICATE_CHAIN is neither true nor false"):
        home.settings({}, **who, AZURE_CLIENT_SEND_CERTIFICATE_CHAIN=text)


def test_the_environments_secret_takes_precedence_over_its_certificate(home: Home) -> None:
    """As for the Azure SDKs, where both variables are set."""
    who = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_CERTIFICATE_PATH": "a"}
    assert home.settings({}, **who, AZURE_CLIENT_SECRET="s").credential == ClientSecret("s")


def test_the_highest_layer_with_a_credential_decides(home: Home) -> None:
    """A profile that is named keeps its certificate; the unnamed one gives way to a secret of the environment."""
    home.write(f'[profile.default]\n{WHO}client_certificate = "app.pem"\n')
    settings = home.settings({"profile": "default"}, AZURE_CLIENT_SECRET="s")
    assert isinstance(settings.credential, ClientCertificate)
    assert settings.notes == ("AZURE_CLIENT_SECRET is set and ignored because the profile default is named.",)
    settings = home.settings({}, AZURE_CLIENT_SECRET="s")
    assert settings.credential == ClientSecret("s")
    assert settings.notes == ("AZURE_CLIENT_SECRET is set and overrides client_certificate of the profile default.",)


def test_a_certificate_of_a_profile(home: Home) -> None:
    """Paths start at the configuration's folder; the password is a reference."""
    made = of_profile(
        home,
        'client_certificate = "app.crt"\nclient_certificate_key = "/k.pem"\nclient_certificate_password = "env:P"\n'
        'client_algorithm = "rs256"\nsend_certificate_chain = true',
        P="pass",
    )
    assert made == ClientCertificate(
        f"{home.folder}/app.crt", password="pass", key_path="/k.pem", send_chain=True, algorithm="RS256"
    )


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("github", GitHubActions()),
        ("azure-pipelines", AzurePipelines()),
        ("azure-pipelines:abc", AzurePipelines("abc")),
        ("kubernetes", FileAssertion()),
        ("file:/run/token", FileAssertion("/run/token")),
    ],
)
def test_sources_of_assertions(home: Home, text: str, source: Any) -> None:
    """Each word makes its source; what a refresh token needs beside it is the same."""
    assert of_profile(home, f'client_assertion = "{text}"') == ClientAssertion(source)
    user = of_profile(home, f'client_assertion = "{text}"\naccount = "me"')
    assert user == RefreshToken(client=ClientAssertion(source), account="me")


def test_a_managed_identity_as_assertion(home: Home) -> None:
    """The system's identity, or the user-assigned one that is named."""
    for text, client_id in (("managed-identity", ""), ("managed-identity:abc", "abc")):
        made = of_profile(home, f'client_assertion = "{text}"')
        assert isinstance(made.source, TokenAssertion)
        assert isinstance(made.source.credential, ManagedIdentity)
        assert made.source.credential.client_id == client_id


def test_a_reference_is_resolved_each_time(home: Home) -> None:
    """What a variable or program gives is asked for when it is needed, not when the settings are read."""
    made = of_profile(home, 'client_assertion = "command:echo one.two.three"')
    assert isinstance(made.source, CallbackAssertion)
    assert made.source.call() == "one.two.three"


def test_a_key_in_a_pkcs11_token_is_configured(home: Home) -> None:
    """A PKCS#11 URI (RFC 7512) names module, token and key; the PIN is a reference; the certificate may be a file."""
    made = of_profile(
        home,
        'client_key = "pkcs11:token=my%20apps;object=orders;id=%a1%b2?module-path=/lib/p11.so&pin-source=env:PIN"\n'
        'client_key_certificate = "orders.crt"',
        PIN="4711",
    )
    assert isinstance(made, ClientKey)
    assert made.sign == Pkcs11Key("/lib/p11.so", "my apps", "orders", "a1b2", "4711")
    (home.folder / "orders.crt").write_bytes(b"certificate")
    assert callable(made.certificate)
    assert made.certificate() == b"certificate"
    beside = of_profile(home, 'client_key = "pkcs11:token=a;object=b?module-path=/lib/p11.so"')
    assert beside.certificate == beside.sign.certificate


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ('agent = "a"', AgentIdentity(ClientSecret("s"), "a")),
        ('agent = "a"\nagent_user = "u@x.example"', AgentUser(AgentIdentity(ClientSecret("s"), "a"), "u@x.example")),
        ('agent = "a"\nagent_user = "u-1"', AgentUser(AgentIdentity(ClientSecret("s"), "a"), user_id="u-1")),
        ('fmi_path = "p"', FmiPath(ClientSecret("s"), "p")),
    ],
)
def test_agents(home: Home, text: str, made: Any) -> None:
    """The agent, its user by name or id, or a federated identity's path."""
    assert of_profile(home, f'client_secret = "env:S"\n{text}', S="s") == made


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('client_secret = "env:S"\nclient_certificate = "a.pem"', "has two credentials"),
        ('client_assertion = "gitlab"', "does not name a source"),
        ('client_assertion = "github:x"', "does not name a source"),
        ('client_assertion = "file:"', "does not name a source"),
        ('client_key = "app.pem"', "not a PKCS#11 URI"),
        ('client_key = "pkcs11:object=b?module-path=/l"', "has no token"),
        ('client_key = "pkcs11:token=a;object=b"', "has no token"),
        ('client_key = "pkcs11:token=a?module-path=/l"', "has no name"),
        ('client_key = "pkcs11:token=a;object=b?module-path=/l&pin-value=4711"', "PIN does not belong"),
        ('client_key = "pkcs11:token=a;object=b;serial=1?module-path=/l"', "'serial', which is unknown"),
        ('client_key = "pkcs11:token=a;objct=b?module-path=/l"', "'objct', which is unknown"),
        (
            'client_key = "pkcs11:token=a;object=b?module-path=/l&module-name=softhsm"',
            "'module-name', which is unknown",
        ),
        ('client_key = "pkcs11:token=a;object=b;object=c?module-path=/l"', "'object', twice"),
        ('client_key = "pkcs11:token;object=b?module-path=/l"', "'token', without a value"),
        ('client_key = "pkcs11:token=%ff;object=b?module-path=/l"', "not UTF-8"),
        ('client_key = "pkcs11:token=a;object=b;type=public?module-path=/l"', "type is not private"),
        ('client_secret = "env:S"\nclient_certificate_key = "a.key"', "needs client_certificate"),
        ('client_secret = "env:S"\nclient_algorithm = "RS256"', "needs client_certificate or client_key"),
        ('client_secret = "env:S"\nsend_certificate_chain = true', "needs client_certificate or client_key"),
        ('client_certificate = "a.pem"\nclient_key_certificate = "b.pem"', "needs client_key"),
        ('client_certificate = "a.pem"\nclient_certificate_password = "hunter2"', "does not belong there"),
        ('client_certificate = "a.pem"\nclient_algorithm = "ES256"', "not an algorithm"),
        ('client_secret = "env:S"\nagent_user = "u@x.example"', "needs an agent"),
        ('client_certificate = "a.pem"\nsend_certificate_chain = "yes"', "neither true nor false"),
    ],
)
def test_each_invalid_credential_setting_has_its_own_message(home: Home, text: str, word: str) -> None:
    """Each mistake has its own sentence with what to write, and repeats no secret."""
    with pytest.raises(UsageError, match=word) as caught:
        of_profile(home, text, S="s")
    assert caught.value.remedy
    assert "hunter2" not in str(caught.value)
    assert "4711" not in str(caught.value)

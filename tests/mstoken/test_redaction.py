"""A secret given where a path, an ID or a reference belongs is never shown; the message names the mistake."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from tests.support.certificates import identity
from tests.support.program import Program
from tests.support.unsigned_tokens import app_v1, jwt

from mstoken import Client, ClientCertificate, MstokenError, UsageError
from mstoken.protocol.http import HttpRequest
from mstoken.redaction import mistake_in, redacted, shown, shown_path
from mstoken.rest.api_request import ApiRequest
from mstoken.rest.paging import PageRequest
from mstoken.transports.outgoing import outgoing

KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC" + "hidden" * 40 + "\n-----END PRIVATE KEY-----\n"
PFX = "MIIKZAIBAzCCCiAGCSqGSIb3DQEHAaCC" + "hidden" * 60 + "=="
TOKEN = jwt(app_v1(name="hidden"))
REFRESH = "0.AXkA" + "hidden" * 40
SECRET = "abc8Q~hiddenhiddenhiddenhiddenhidden01"
ODD = {"key": KEY, "pfx": PFX, "jwt": TOKEN, "refresh token": REFRESH, "secret": SECRET, "long": "hidden" * 400}

NAMES = [
    *("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"),
    *(
        "AZURE_AUTHORITY_HOST",
        "AZURE_KUBERNETES_CA_FILE",
        "AZURE_TOKEN_CREDENTIALS",
        "MSTOKEN_CLOUD",
        "MSTOKEN_PROFILE",
    ),
    *("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY"),
]


def leaked(text: str, value: str) -> bool:
    """Whether a part of the value that says anything is in the text."""
    return "hidden" in text or any(part in text for part in value.split() if len(part) > 40)


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("name", NAMES)
def test_doctors_list_shows_no_secret_in_the_wrong_place(name: str, kind: str) -> None:
    """Whichever variable it is in, as a person may have pasted it."""
    from mstoken.config.shown import shown_environment

    assert not leaked(json.dumps(shown_environment({name: ODD[kind]})), ODD[kind])


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("AZURE_CLIENT_CERTIFICATE_PATH", "key", "the private key itself, and not a path"),
        ("AZURE_CLIENT_CERTIFICATE_PATH", "pfx", "base64 of a certificate or key, and not a path"),
        ("AZURE_CLIENT_CERTIFICATE_PATH", "long", "and not a path"),
        ("AZURE_TENANT_ID", "jwt", "is not a tenant"),
        ("AZURE_AUTHORITY_HOST", "secret", ""),
        ("MSTOKEN_CLOUD", "jwt", "There is no cloud called"),
        ("MSTOKEN_PROFILE", "refresh token", "There is no profile"),
        ("AZURE_TOKEN_CREDENTIALS", "secret", ""),
        ("SSL_CERT_FILE", "key", ""),
    ],
)
@pytest.mark.parametrize("command", [("get", "graph", "--fresh"), ("doctor",), ("doctor", "-o", "json")])
def test_no_command_prints_a_misplaced_secret(
    tmp_path: Path, name: str, kind: str, words: str, command: tuple[str, ...]
) -> None:
    """Standard output and error of the program, in text and JSON."""
    program = Program(tmp_path)
    program.environment |= {
        "AZURE_TENANT_ID": "contoso.example",
        "AZURE_CLIENT_ID": "6731de76-14a6-49ae-97bc-6eba6914391e",
        "AZURE_AUTHORITY_HOST": "https://localhost:1",
        **({} if "CERTIFICATE" in name else {"AZURE_CLIENT_SECRET": "s"}),
    }
    result = program(*command, **{name: ODD[kind]})
    assert not leaked(result.out + result.err, ODD[kind])
    if command[0] == "get":
        assert result.code != 0
        assert words in result.err


@pytest.mark.parametrize(
    "reference", [f"file:{KEY}", f"file:{PFX}", f"env:{SECRET}", f"keyring:{TOKEN}", f"command:{KEY}"]
)
def test_a_secret_after_a_reference_prefix_is_not_shown(reference: str) -> None:
    """The reference is the way to a secret, and here the secret itself."""
    from mstoken.config.secret_references import resolve

    with pytest.raises(UsageError, match="which is not the location of a secret") as caught:
        resolve(reference, {})
    assert not leaked(str(caught.value) + repr(caught.value), reference)


@pytest.mark.parametrize("value", [KEY, PFX, base64.b64encode(b"\x30\x82\x0a\x00" + b"x" * 300).decode()])
def test_content_given_as_a_path_in_python_is_not_shown(value: str) -> None:
    """The remedy says what to do with it."""
    with pytest.raises(UsageError, match="not a path") as caught:
        ClientCertificate(value).signer()
    assert value[40:80] not in str(caught.value)
    assert "file" in caught.value.remedy


@pytest.mark.parametrize("kind", ODD)
def test_no_error_contains_a_misplaced_secret(kind: str) -> None:
    """The last barrier: message and remedy of every error pass through one filter."""
    if kind != "long":
        error = MstokenError(f"Cannot use {ODD[kind]} here.", f"Write {ODD[kind]!r}.")
        assert not leaked(str(error) + repr(error) + str(error.args), ODD[kind])


def _hidden(length: int) -> str:
    return ("hidden" * 100)[:length]


FURTHER = {
    "a PEM file in base64, for a variable of a pipeline": base64.b64encode(identity().pem().decode().encode()).decode(),
    "a PFX file in hexadecimal digits": identity().pfx("x").hex(),
    "base64 in lines of 76": base64.encodebytes(identity().pfx("x")).decode(),
    "base64url": base64.urlsafe_b64encode(identity().pfx("x")).decode().rstrip("="),
    "a PEM file whose line ends are \\n": KEY.replace("\n", "\\n"),
    "a PEM file in one line": KEY.replace("\n", " "),
    "the middle of a PEM file": identity().pem().decode()[28:700],
    "a private JWK": json.dumps({"kty": "RSA", "e": "AQAB", "d": _hidden(342)}),
    "an OpenSSH key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_hidden(70)}\n-----END OPENSSH PRIVATE KEY-----",
    "an encrypted JWT": ".".join(["eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ", *[_hidden(60)] * 4]),
    "a header's value": f"Bearer {TOKEN}",
    "a secret in quotation marks": f'"{SECRET}"',
    "a personal account's refresh token": f"M.C525_BAY.0.U.-{_hidden(300)}*!",
    "another one": f"M.R3_BAY.-{_hidden(200)}",
    "a single-page application's refresh token": f"1.AXkA{_hidden(240)}",
    "a token of GitHub": f"ghp_{_hidden(36)}",
    "a fine-grained one": f"github_pat_{_hidden(22)}_{_hidden(59)}",
    "a connection string": f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={_hidden(86)}==",
    "a Service Bus key": f"Endpoint=sb://a.example/;SharedAccessKeyName=Root;SharedAccessKey={_hidden(43)}=",
    "a SAS URL": f"https://a.blob.core.windows.net/c?sv=2024&sig={_hidden(43)}%3D",
    "a secret of the old portal": f"{_hidden(20)}+/{_hidden(21)}=",
}


@pytest.mark.parametrize("what", FURTHER)
def test_further_secrets_are_not_shown_in_place_of_a_name(what: str) -> None:
    """As settings, as paths, and inside the message of an error."""
    value = FURTHER[what]
    error = MstokenError(f"Cannot use {value} here.", f"Write {value!r}.")
    for text in (shown(value), shown_path(value), redacted(f"({value})"), str(error) + repr(error)):
        assert not leaked(text, value)
    assert mistake_in(value)


@pytest.mark.parametrize("what", ["a personal account's refresh token", "a token of GitHub", "a SAS URL"])
@pytest.mark.parametrize("name", ["AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "MSTOKEN_PROFILE"])
def test_no_command_prints_further_secrets(tmp_path: Path, name: str, what: str) -> None:
    """`get` and `doctor`, as text."""
    program = Program(tmp_path)
    program.environment |= {
        "AZURE_TENANT_ID": "contoso.example",
        "AZURE_CLIENT_ID": "6731de76-14a6-49ae-97bc-6eba6914391e",
    }
    for command in (("get", "graph", "--fresh"), ("doctor",)):
        result = program(*command, **{name: FURTHER[what]})
        assert not leaked(result.out + result.err, FURTHER[what])
        assert result.code != 0


@pytest.mark.parametrize(
    "text",
    [
        "AZURE_CLIENT_ID= mstoken get graph",
        "https://login.microsoftonline.com/contoso/oauth2/v2.0/authorize?client_id=6731de76-14a6-49ae-97bc-6eba6914391e",
        "https://a.blob.core.windows.net/container?restype=container&comp=list&prefix=folder",
        "/opt/github_pat/ghp_folder/app.pem",
        "/var/run/secrets/azure/tokens/azure-identity-token",
        "/home/user/" + "a-long-folder-name/" * 10 + "app.pem",
        "6731de76-14a6-49ae-97bc-6eba6914391e",
        "/subscriptions/6731de76-14a6-49ae-97bc-6eba6914391e/resourceGroups/g/providers/Microsoft.ManagedIdentity/x",
        "mstoken login --claims eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzYi",
        "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token",
        "C:\\Users\\anna~1\\certificates\\app.pfx",
    ],
)
def test_paths_and_urls_are_shown(text: str) -> None:
    """A filter that hides paths, IDs and commands would help nobody."""
    assert redacted(text) == text
    assert mistake_in(text) == ""


def test_a_real_key_and_certificate_are_recognized() -> None:
    """As openssl writes them."""
    assert mistake_in(identity().pem().decode()) == "the private key itself"
    assert "characters" in shown("x" * 300)
    with pytest.raises(UsageError):
        Client("t", "c", ClientCertificate(identity().pem().decode())).get_token("graph")


@pytest.mark.parametrize(
    "secret",
    ["-----BEGIN A-----", "eyJ0eXAiOiJ.", f"0.A{'x' * 60}", f"abc~{'x' * 24}", f"MII{'x' * 100}", "x" * 100],
    ids=["PEM", "JWT", "refresh token", "client secret", "DER", "long"],
)
def test_the_shortest_secret_of_each_form_is_recognized(secret: str) -> None:
    """Texts that are too short for any form are not searched; none of these is one of them."""
    assert mistake_in(secret)
    assert secret not in redacted(f"({secret})")


def test_no_request_shows_its_url() -> None:
    """A pre-authenticated URL (a storage signature, an upload session) is a secret in every value that has it."""
    url = "https://account.blob.core.windows.net/container/file?sv=2024-11-04&sig=the-signature"
    request = HttpRequest("GET", url)
    for one in (request, outgoing(request), ApiRequest("GET", url), PageRequest(url)):
        assert "the-signature" not in repr(one)

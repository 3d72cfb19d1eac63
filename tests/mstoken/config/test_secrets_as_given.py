"""Secrets are sent byte for byte as they were given, wherever they come from."""

from __future__ import annotations

import pytest
from tests.support.home import Home
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService

from mstoken import ClientSecret, CredentialRejected
from mstoken.config.environment import read_variables

SECRETS = [" a", "a ", "'a'", '"a"', "a+b&c=d%20", "\u00fc\u4e2d\U0001f511", "a\tb", "~.-_!*()", "\u00a0a"]
REFUSED = Reply(401, {"error": "invalid_client", "error_description": "AADSTS7000215: no", "error_codes": [7000215]})


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_of_the_environment_is_sent_unchanged(
    runner: Runner, token_service: TokenService, secret: str
) -> None:
    """Blanks, quotes, other alphabets and what means something in a form."""
    value = read_variables({"AZURE_CLIENT_SECRET": secret})["client_secret"]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret(value), token_service.url)
    runner.run(lambda: client.get_token("graph"))
    assert token_service.requests[0].form["client_secret"] == secret


@pytest.mark.parametrize("secret", [secret for secret in SECRETS if "\t" not in secret])
@pytest.mark.parametrize("kind", ["env", "file", "command"])
def test_a_referenced_secret_is_sent_unchanged(home: Home, kind: str, secret: str) -> None:
    """One line end after it is the file's or the program's own."""
    path = home.folder / "secret"
    path.write_text(secret + ("\n" if kind != "env" else ""))
    reference = {"env": "env:S", "file": f"file:{path}", "command": f"command:cat {path}"}[kind]
    home.write(f'[profile.work]\ntenant = "t"\nclient_id = "c"\nclient_secret = "{reference}"\n')
    assert home.settings({"profile": "work"}, S=secret, PATH="/usr/bin:/bin").credential == ClientSecret(secret)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("a\n", "line break"),
        (" a", "a space or a line break"),
        ("'a'", "in quotation marks"),
        ('"a"', "in quotation marks"),
        ("a", ""),
    ],
)
def test_the_error_names_the_probable_mistake(
    runner: Runner, token_service: TokenService, secret: str, words: str
) -> None:
    """Quotes and line breaks that a script left in the value."""
    token_service.script = [REFUSED]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret(secret), token_service.url)
    with pytest.raises(CredentialRejected) as caught:
        runner.run(lambda: client.get_token("graph"))
    assert words in caught.value.remedy
    assert ("The secret" in caught.value.remedy.splitlines()[0]) is bool(words)

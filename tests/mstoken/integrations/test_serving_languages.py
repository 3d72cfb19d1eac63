"""`mstoken exec` around Microsoft's libraries for Go, Node and Java, unchanged: their ManagedIdentityCredential."""

from __future__ import annotations

import pytest
from tests.clients.test_java import command as java_command
from tests.clients.test_java import settings as java_settings
from tests.support import client_stories as stories
from tests.support import node
from tests.support.builds import GO, JAVA
from tests.support.language_client import running
from tests.support.program import MSTOKEN

pytestmark = pytest.mark.languages
EXEC = (str(MSTOKEN), "exec", "--")
SCOPE = f"{stories.ARM}/.default"


def test_go() -> None:
    output = GO.output()
    with running([*EXEC, str(output / "program")], output) as go:
        outcome = go.run("azidentity managed identity", client="", environment={}, scope=SCOPE)
        assert stories.succeeded(outcome)["token"]["appid"] == go.entra.state.default_app.id


@node.needs_node
def test_node() -> None:
    with running([*EXEC, *node.command("identity.mjs")], node.FOLDER) as program:
        outcome = program.run("identity managed identity", scope=SCOPE)
        assert stories.succeeded(outcome)["token"]["appid"] == program.entra.state.default_app.id


def test_java() -> None:
    output = JAVA.output()
    with running([*EXEC, *java_command(output)], output, java_settings) as java:
        outcome = java.run("azure-identity managed identity", scope=SCOPE)
        assert stories.succeeded(outcome)["token"]["appid"] == java.entra.state.default_app.id

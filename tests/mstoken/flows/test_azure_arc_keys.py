"""Azure Arc's challenge: which files are read, and which never."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.managed_identities import managed_identity_client
from tests.support.runners import Runner
from tests.support.token_service import Reply, TokenService, token_reply

from entra_emulator.managed_identity.machine import Machine
from mstoken import CredentialRejected, ManagedIdentity, Misconfigured, MstokenError, UntrustedOrigin, UsageError


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The agent's folder of keys."""
    folder = tmp_path / "tokens"
    folder.mkdir()
    monkeypatch.setattr("mstoken.protocol.managed_identity.identity_endpoint._ARC_KEYS", str(folder))
    return folder


def challenged(runner: Runner, service: TokenService, realm: str) -> MstokenError:
    """The error after an agent at `service` has pointed to `realm`."""
    service.script = [Reply(401, "", {"WWW-Authenticate": realm}), token_reply("leaked")]
    client = arc(runner, service)
    with pytest.raises(MstokenError) as caught:
        runner.run(lambda: client.get_token("arm"))
    assert len(service.requests) == 1  # whatever the file holds, it was not sent
    return caught.value


def arc(runner: Runner, service: TokenService) -> Any:
    environment = {"IDENTITY_ENDPOINT": f"{service.url}/token", "IMDS_ENDPOINT": service.url}
    return runner.client("", "", ManagedIdentity(environment=environment))


@pytest.mark.parametrize(
    "realm",
    [
        "Basic realm=/etc/shadow",
        "Basic realm=/etc/shadow.key",
        "Basic realm={keys}/../secret.key",
        "Basic realm={keys}/deeper/one.key",
        "Basic realm={keys}/one.txt",
        "Basic realm={keys}/.key",
        "Basic realm={keys}//one.key",
        "Basic realm={keys}2/one.key",
        "Basic realm=one.key",
        "Basic realm=",
        "Basic",
        "Bearer realm={keys}/one.key",
        "Basic realm={keys}/one.key\\..\\two.key",
        "",
    ],
)
def test_only_a_key_of_the_agents_folder_is_read(
    runner: Runner, token_service: TokenService, keys: Path, realm: str
) -> None:
    """Whoever listens on the agent's port cannot make us read, and send, another file."""
    (keys / "one.key").write_text("secret")
    (keys.parent / "secret.key").write_text("secret")
    error = challenged(runner, token_service, realm.format(keys=keys))
    assert isinstance(error, UntrustedOrigin)
    assert "not read" in error.message


def _link_to_file(keys: Path) -> None:
    (keys.parent / "other.key").write_text("secret")
    (keys / "one.key").symlink_to(keys.parent / "other.key")


def _link_to_folder(keys: Path) -> None:
    real = keys.parent / "real"
    real.mkdir()
    (real / "one.key").write_text("secret")
    keys.rmdir()
    keys.symlink_to(real)


def _pipe(keys: Path) -> None:
    os.mkfifo(keys / "one.key")


def _folder(keys: Path) -> None:
    (keys / "one.key").mkdir()


def _too_large(keys: Path) -> None:
    (keys / "one.key").write_text("x" * 4097)


def _empty(keys: Path) -> None:
    (keys / "one.key").touch()


def _binary(keys: Path) -> None:
    (keys / "one.key").write_bytes(b"\xff\xfe")


def _several_lines(keys: Path) -> None:
    (keys / "one.key").write_text("secret\r\nHost: evil")


@pytest.mark.parametrize(
    "prepare",
    [_link_to_file, _link_to_folder, _pipe, _folder, _too_large, _empty, _binary, _several_lines, lambda _: None],
    ids=["link", "linked folder", "pipe", "folder", "too large", "empty", "binary", "several lines", "missing"],
)
def test_only_a_small_regular_key_file_is_sent(
    runner: Runner, token_service: TokenService, keys: Path, prepare: Callable[[Path], None]
) -> None:
    """Links, pipes, folders, files over 4096 bytes and files that are no key end the request, and do not hang it."""
    prepare(keys)
    error = challenged(runner, token_service, f"Basic realm={keys}/one.key")
    assert isinstance(error, UsageError)
    assert "himds" in error.remedy


@pytest.mark.parametrize("size", [1, 4096])
def test_a_key_is_sent_unchanged(runner: Runner, token_service: TokenService, keys: Path, size: int) -> None:
    """Up to 4096 bytes; not base64, though the scheme is called Basic."""
    (keys / "one.key").write_text("k" * size)
    token_service.script = [Reply(401, "", {"WWW-Authenticate": f"Basic realm={keys}/one.key"}), token_reply()]
    client = arc(runner, token_service)
    assert runner.run(lambda: client.get_token("arm")).token == "token-1"
    first, second = token_service.requests
    assert second.headers["Authorization"] == "Basic " + "k" * size
    assert (second.path, second.headers["Metadata"]) == (first.path, "true")


def test_a_refused_key_is_not_sent_again(runner: Runner, token_service: TokenService, keys: Path) -> None:
    """A second challenge is the end."""
    (keys / "one.key").write_text("old")
    token_service.script = [Reply(401, "", {"WWW-Authenticate": f"Basic realm={keys}/one.key"})]
    client = arc(runner, token_service)
    with pytest.raises(CredentialRejected):
        runner.run(lambda: client.get_token("arm"))
    assert len(token_service.requests) == 2


@pytest.mark.parametrize("kind", ["client_id", "object_id", "resource_id"])
def test_a_token_of_an_agent_that_ignores_the_identity_is_not_used(runner: Runner, machine: Machine, kind: str) -> None:
    """Older agents give the machine's own token; without their echo it is not used."""
    machine.with_old_agent()
    client = managed_identity_client(runner, machine, "azure_arc", **{kind: getattr(machine.identities.users[0], kind)})
    with pytest.raises(Misconfigured, match="did not confirm"):
        runner.run(lambda: client.get_token("arm"))

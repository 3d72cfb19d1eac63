"""The program beside a local Entra ID, and servers that take only its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.at_entra import VISUAL_STUDIO, anonymous, at_entra, entra, memory, sign_in
from tests.support.mail_servers import Dovecot, Exchange, SmtpServer, grant_mail
from tests.support.program import Program
from tests.support.programs import require

from entra_emulator import Emulator

__all__ = ["anonymous", "at_entra", "entra", "memory"]


@pytest.fixture
def person(anonymous: Program, entra: Emulator) -> Program:
    """The program of somebody who has signed in, with a client that may use mail."""
    grant_mail(entra, VISUAL_STUDIO)
    sign_in(anonymous, entra)
    return anonymous


@pytest.fixture
def exchange(entra: Emulator, tmp_path: Path) -> Iterator[Exchange]:
    folder = tmp_path / "exchange"
    folder.mkdir()
    with Exchange(entra, folder) as made:
        yield made


@pytest.fixture
def dovecot(exchange: Exchange) -> Iterator[Dovecot]:
    require("dovecot")
    with Dovecot(exchange) as made:
        yield made


@pytest.fixture
def smtp_server(exchange: Exchange, tmp_path: Path) -> Iterator[SmtpServer]:
    folder = tmp_path / "smtp"
    folder.mkdir()
    with SmtpServer(exchange, folder) as made:
        yield made

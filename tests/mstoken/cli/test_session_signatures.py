"""`mstoken session` with a certificate whose key stays with the caller, who signs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from tests.mstoken.cli.test_session import Session, running, token_requests, variables
from tests.support.certificates import identity, rsa_key
from tests.support.program import Program

from entra_emulator import Emulator


def certificate(number: int) -> str:
    return base64.b64encode(identity(number).certificate.public_bytes(Encoding.DER)).decode()


def without_secret(program: Program) -> dict[str, str]:
    found = variables(program)
    del found["AZURE_CLIENT_SECRET"]
    return found


def signature(asked: dict[str, Any], key: int) -> str:
    assert asked["algorithm"] == "PS256"
    pss = PSS(MGF1(SHA256()), SHA256.digest_size)
    return base64.b64encode(rsa_key(key).sign(base64.b64decode(asked["sign"]), pss, SHA256())).decode()


def ask(session: Session, program: Program, number: int, *, of: object = 1) -> None:
    fields = {"certificate": certificate(number), "environment": without_secret(program)}
    session.write({"id": of, "method": "get", "arguments": ["graph", "--fresh"], **fields})


def test_the_caller_signs_and_the_token_says_so(at_entra: Program, known: Emulator) -> None:
    with running(at_entra) as session:
        ask(session, at_entra, 0)
        asked = session.read()
        assert asked["id"] == 1
        session.write({"id": 1, "signature": signature(asked, 0)})
        claims = session.read()["result"]["claims"]
    assert "2" in (claims.get("appidacr"), claims.get("azpacr"))


def test_a_secret_in_the_variables_does_not_compete(at_entra: Program, known: Emulator) -> None:
    with running(at_entra) as session:
        fields = {"certificate": certificate(0), "environment": variables(at_entra)}
        session.write({"id": 1, "method": "get", "arguments": ["graph", "--fresh"], **fields})
        session.write({"id": 1, "signature": signature(session.read(), 0)})
        claims = session.read()["result"]["claims"]
    assert "2" in (claims.get("appidacr"), claims.get("azpacr"))


def test_a_certificate_that_the_application_lacks_is_refused_by_the_service(at_entra: Program, known: Emulator) -> None:
    with running(at_entra) as session:
        ask(session, at_entra, 3)
        while "sign" in (answer := session.read()):  # again, since Entra may know a renewed certificate
            session.write({"id": 1, "signature": signature(answer, 3)})
    error = answer["error"]
    assert (error["code"], error["exit_code"]) == (700027, 4)


GIVEN = {"nothing": "", "no base64": "!", "no text": None, "the signature of another key": 5}


@pytest.mark.parametrize("form", GIVEN)
def test_what_is_no_signature_of_the_key_is_not_sent(at_entra: Program, known: Emulator, form: str) -> None:
    before = token_requests(known)
    with running(at_entra) as session:
        ask(session, at_entra, 0)
        asked, given = session.read(), GIVEN[form]
        session.write({"id": 1, "signature": signature(asked, given) if isinstance(given, int) else given})
        error = session.read()["error"]
        assert (error["kind"], error["exit_code"]) == ("usage_error", 2)
        assert token_requests(known) == before
        ask(session, at_entra, 0)
        session.write({"id": 1, "signature": signature(session.read(), 0)})
        assert "result" in session.read()


def test_a_signature_for_another_request_is_not_used(at_entra: Program, known: Emulator) -> None:
    with running(at_entra) as session:
        session.write({"id": 7, "signature": "AAAA"})
        session.write({"cancel": 8, "signature": "AAAA"})
        ask(session, at_entra, 0, of=2)
        session.write({"id": 2, "signature": signature(session.read(), 0)})
        assert "result" in session.read()


def test_the_end_of_the_input_ends_every_request_that_waits_for_a_signature(at_entra: Program, known: Emulator) -> None:
    with running(at_entra) as session:
        ask(session, at_entra, 0, of=1)
        ask(session, at_entra, 0, of=2)
        assert session.process.stdin
        session.process.stdin.close()
        answers = [session.read() for _ in range(4)]
    assert [answer["id"] for answer in answers] == [1, 1, 2, 2]
    assert ["error" in answer for answer in answers] == [False, True, False, True]


@pytest.mark.parametrize("content", ["!", base64.b64encode(b"text").decode()], ids=["no base64", "no certificate"])
def test_what_is_no_certificate_is_a_usage_error(at_entra: Program, content: str) -> None:
    with running(at_entra) as session:
        answer = session("get", "graph", certificate=content, environment=without_secret(at_entra))
    assert answer["error"]["exit_code"] == 2
    assert "certificate" in json.dumps(answer["error"]["message"])

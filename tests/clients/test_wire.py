"""Answers as real as the recorded ones: each answer of the real service that we have, held against the emulator's."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.wire_cases import CASES, RawClient, token_claims

from entra_emulator import Emulator

RECORDED: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "wire.json").read_text("utf-8"))
STATUS_UNKNOWN = {"msi_error_appservice": 500, "msi_error_imds_500011": 400, "msi_service_fabric_error": 400}

# Recordings whose members stand in alphabetical order were sorted by whoever kept them; order says nothing there.
SORTED = {name for name, one in RECORDED.items() if one.get("keys") == sorted(one.get("keys", [])) != ["error"]}

# What is different, and why: docs/emulator-parity.md has a row for each.
DIFFERENT: dict[str, dict[str, Any]] = {
    # Older forms: a newer recording of the same refusal says otherwise, and the emulator follows the newer one.
    "error_50053_locked_2019": {"error": "invalid_grant", "added": {"error_uri"}},
    "error_50055_password_expired_2019": {
        "error": "invalid_grant",
        "added": {"error_uri"},
        "missing": {"password_change_url"},
    },
    "error_70021_fic_no_match_2022": {
        "error": "invalid_client",
        "status": 401,
        "error_codes": [700213],
        "missing": {"error_uri"},
    },
    # A page of the documentation from 2017, before suberror and error_uri; the claims are the point of it.
    "error_50079_mfa_enroll_claims": {"added": {"error_uri", "suberror"}},
    "msi_error_imds_500011": {"error_uri": "https://westeurope.login.microsoft.com/error?code=500011"},
    # The user of a federated directory and the device's platform are not known here.
    "accesstoken_v1_delegated_graph_claimset": {"missing": {"onprem_sid", "platf"}},
    "accesstoken_v2_delegated_decoded": {"missing": {"roles"}},
    # Not recorded by those who read claims one by one, or newer than the recording.
    "discovery_v2_2021_headers": {"added": {"kerberos_endpoint"}},
}
KINDS = {str: "text", int: "number", float: "number", bool: "truth", list: "list", dict: "object"}
ADDED = {"xms_ftd", "aud", "iss", "iat", "nbf", "exp"}


@pytest.fixture
def raw() -> Iterator[RawClient]:
    with Emulator() as entra:
        made = RawClient(entra)
        yield made
        made.close()


def test_every_recording_is_tested() -> None:
    """Every recorded answer has its way to come about, and no other is claimed."""
    assert set(CASES) == set(RECORDED)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_the_response_is_as_recorded(raw: RawClient, name: str) -> None:
    """Same status, members, their order and kinds, OAuth error, AADSTS code, suberror, headers and challenge."""
    real, but = RECORDED[name], DIFFERENT.get(name, {})
    answer = CASES[name](raw)
    assert answer.status_code == but.get("status", real["status"] or STATUS_UNKNOWN[name]), answer.text
    if "text" in real:
        assert answer.text == real["text"]
    else:
        _compare_members(name, _subject(name, answer), real, but)
        _compare_values(answer.json(), real, but)
    assert {name for name in real.get("present", ()) if name not in answer.headers} == set()
    for header, value in real.get("headers", {}).items():
        if header != "x-ms-clitelem":
            assert answer.headers.get(header) == value, header
        else:  # the age of a refresh token is its own
            assert answer.headers[header].split(",")[:3] == value.split(",")[:3]
    _compare_challenge(answer, real)


def _subject(name: str, answer: httpx.Response) -> dict[str, Any]:
    """The body, or of the token in it the claims."""
    body: dict[str, Any] = answer.json()
    if name.startswith("idtoken"):
        return token_claims(body["id_token"])
    if name.startswith("accesstoken") or "claims_client_credentials" in name:
        return token_claims(body["access_token"])
    return body


def _compare_members(name: str, ours: dict[str, Any], real: dict[str, Any], but: dict[str, Any]) -> None:
    wanted = [key for key in real["keys"] if key not in but.get("missing", ())]
    allowed = but.get("added", set()) | (ADDED if "claims" in name or "token_v" in name else set())
    found = [key for key in ours if key in wanted or key not in allowed]
    assert (sorted(found) if name in SORTED else found) == (sorted(wanted) if name in SORTED else wanted)
    kinds = {key: real.get("kinds", {}).get(key, "text") for key in wanted if ours[key] is not None}
    assert {key: KINDS[type(ours[key])] for key in kinds} == kinds
    if "inner" in real:
        assert sorted(ours["error"]) == sorted(real["inner"])
        assert ours["error"]["code"] == real["code"]


def _compare_values(body: dict[str, Any], real: dict[str, Any], but: dict[str, Any]) -> None:
    if "claims" in real.get("keys", ()):
        assert "access_token" in json.loads(body["claims"])
    for name in ("error", "error_codes", "suberror", "error_uri", "account_type", "interval", "token_type", "foci"):
        if name in real and name not in but.get("missing", ()):
            assert body.get(name) == but.get(name, real[name]), name
    if real.get("expires_in") in (900, 86399):
        assert body["expires_in"] == real["expires_in"]
    if "metadata" in real:
        assert body["metadata"] == real["metadata"]


def _compare_challenge(answer: httpx.Response, real: dict[str, Any]) -> None:
    if "retry_after" in real:
        assert answer.headers["retry-after"] == real["retry_after"]
    if "challenge" in real:
        ours = answer.headers["www-authenticate"]
        assert [part.split("=")[0] for part in ours.split(", ")] == [
            part.split("=")[0] for part in real["challenge"].split(", ")
        ]
        if "claims=" in ours:
            encoded = ours.split('claims="')[1].split('"')[0]
            assert json.loads(base64.b64decode(encoded))["access_token"]["nbf"]["essential"] is True

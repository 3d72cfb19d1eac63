"""Tokens bound to a key: what the token endpoint takes for `req_cnf`, and what it does not."""

from __future__ import annotations

import base64
import ssl
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator


def _response_to(**form: str) -> Any:
    with Emulator() as entra:
        app = entra.state.default_app
        fields = {
            "grant_type": "client_credentials",
            "client_id": app.id,
            "client_secret": app.secrets[0].value,
            "scope": "https://management.azure.com/.default",
        }
        trust = ssl.create_default_context(cafile=str(entra.ca_file))
        url = f"{entra.authority}/{entra.state.default_tenant.id}/oauth2/v2.0/token"
        return httpx.post(url, data=fields | form, verify=trust, trust_env=False).json()


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 900144),
        ({"req_cnf": "not base64 of JSON"}, 9002313),
        ({"req_cnf": base64.urlsafe_b64encode(b'{"kid":7}').decode()}, 9002313),
    ],
)
def test_a_key_that_is_not_named_is_refused(form: dict[str, str], code: int) -> None:
    """`token_type=pop` needs a thumbprint; the refusals are those of malformed requests."""
    assert _response_to(token_type="pop", **form)["error_codes"] == [code]

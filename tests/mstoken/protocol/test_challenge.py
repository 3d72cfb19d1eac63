"""WWW-Authenticate headers as servers and proxies write them: which claims are asked for, and which never."""

from __future__ import annotations

import base64
import json

import pytest

from mstoken import claims_challenge
from mstoken.protocol.challenge import bearer_challenge, challenged_claims

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"polids":{"values":["??>>~~"]}}}'
B64 = base64.b64encode(CLAIMS.encode()).decode()
URL_SAFE = base64.urlsafe_b64encode(CLAIMS.encode()).decode().rstrip("=")
ASKS = f'error="insufficient_claims", claims="{B64}"'


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {ASKS}",
        f'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", {ASKS}',
        f'Bearer error_description="Signed out, or \\"bearer\\" of another, claims=e30", {ASKS}',
        f'PoP realm="", nonce="a,b", Bearer realm="", {ASKS}',
        f'Basic realm="this bearer error=\\"invalid_token\\", claims=\\"e30\\"", Bearer {ASKS}',
        f'Bearer realm="first", Bearer {ASKS}',
        f"Negotiate, NTLM, Bearer {ASKS}",
        f"Negotiate YIIabc+/==, Bearer {ASKS}",
        f"Bearer {ASKS}, Negotiate",
        f'BEARER ERROR="insufficient_claims",CLAIMS={URL_SAFE}',
        f"bearer error = insufficient_claims , claims = {URL_SAFE}",
        f"Bearer error=insufficient_claims claims={URL_SAFE}",
        f'Bearer error="invalid_token", claims="{URL_SAFE}=="',
        f", ,Bearer\t{ASKS},",
    ],
)
def test_claims_are_found_anywhere_in_the_header(header: str) -> None:
    """Among several challenges, beside quoted commas, in any case, in base64 or base64url, padded or not."""
    assert json.loads(challenged_claims(header)) == json.loads(CLAIMS)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Negotiate",
        f'Basic realm="Bearer {ASKS.replace(chr(34), "")}"',
        f'Bearer error="invalid_token", PoP {ASKS}',
        f"PoP {ASKS}",
        f"Bearer realm=x, Digest {ASKS}",
        f'Bearer claims="{B64}"',
        f'Bearer error="invalid_request", claims="{B64}"',
        'Bearer error="insufficient_claims", claims="%%%"',
        'Bearer error="insufficient_claims", claims="W10="',
        f'Bearer error="insufficient_claims", claims="{B64[:10]}"',
        f'Bearer error="insufficient_claims", claims="{B64}',
        'Bearer error="insufficient_claims", claims="' + base64.b64encode(b"[" * 9000).decode() + '"',
        f"Beareréerror {ASKS}",
    ],
)
def test_a_header_without_claims_has_none(header: str) -> None:
    """Another scheme's claims, words within quotes, other errors and what is cut off or no JSON object are none."""
    assert challenged_claims(header) == ""


def test_each_of_two_bearer_challenges_has_its_own_parameters() -> None:
    """The first is read alone; nothing of the second, or of another scheme, slips into it."""
    header = 'Bearer realm="one", Basic realm="two", error="x", Bearer error="invalid_token"'
    assert bearer_challenge(header) == {"realm": "one"}


def test_claims_survive_parsing_and_sending() -> None:
    """`claims_challenge` and the reader fit, behind another challenge too."""
    assert challenged_claims(f"Negotiate, {claims_challenge(CLAIMS)}") == CLAIMS

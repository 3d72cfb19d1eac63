"""The AD FS of federated domains: WS-Trust, and its assertions as a grant of the token endpoint."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest
from tests.support import ws_trust
from tests.support.ws_trust import ANN, TRUST, assertion_in, encoded

from entra_emulator import Emulator
from entra_emulator.login.federated_domains import issuer
from entra_emulator.model import User

GRANTS = {version: f"urn:ietf:params:oauth:grant-type:saml{version}-bearer" for version in ("1_1", "2")}
TYPES = {"1_1": "urn:oasis:names:tc:SAML:1.0:assertion", "2": "urn:oasis:names:tc:SAML:2.0:assertion"}
SCOPE = "https://graph.microsoft.com/.default"

Ask = Callable[..., httpx.Response]
Issue = Callable[..., httpx.Response]


@pytest.fixture
def entra(entra: Emulator) -> Emulator:
    """A tenant with a domain of its own identity provider, and a user there."""
    ws_trust.federate(entra)
    return entra


@pytest.fixture
def issue(entra: Emulator, http: httpx.Client) -> Issue:
    """A request to the AD FS for an assertion."""
    return partial(ws_trust.issue, entra, http)


@pytest.fixture
def redeem(ask: Ask) -> Ask:
    """The token endpoint's answer to an assertion."""

    def post(text: str, version: str = "1_1", **form: Any) -> httpx.Response:
        usual = {"grant_type": GRANTS[version], "assertion": encoded(text), "scope": SCOPE}
        return ask(**{**usual, **form})

    return post


@pytest.mark.parametrize("version", ["1_1", "2"])
@pytest.mark.parametrize("trust", ["2005", "13"])
def test_an_assertion_gets_the_users_token(
    issue: Issue, redeem: Ask, claims: Callable[[str], Any], trust: str, version: str
) -> None:
    """In both versions of WS-Trust and of SAML; the token is the user's."""
    answer = redeem(assertion_in(issue(trust, kind=TYPES[version])), version)
    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["upn"] == ANN


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_both_alphabets_of_base64(issue: Issue, redeem: Ask, encode: Callable[[bytes], bytes]) -> None:
    """With and without padding."""
    raw = encode(assertion_in(issue()).encode()).decode()
    for text in (raw, raw.rstrip("=")):
        assert redeem("", assertion=text).status_code == 200


def test_offline_access_gets_a_refresh_token(issue: Issue, redeem: Ask) -> None:
    """As for a password."""
    body = redeem(assertion_in(issue()), scope=f"{SCOPE} offline_access openid").json()
    assert body["refresh_token"]
    assert body["id_token"]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(ANN, "otto@northwind-partner.example"),
        lambda text: re.sub(r"(?<=NotOnOrAfter=\")\d{4}", "2099", text),
        lambda text: re.sub(r"<ds:Signature .*</ds:Signature>", "", text),
        lambda text: re.sub(r"(?<=<ds:SignatureValue>)....", "AAAA", text),
        lambda text: text.replace("<saml:Conditions", "<saml:Advice></saml:Advice><saml:Conditions"),
        lambda text: text.replace("rsa-sha256", "rsa-sha1"),
        lambda text: text[:-20],
        lambda text: f"<!DOCTYPE a>{text}",
        lambda text: f"<wrapped>{text}</wrapped>",
        lambda _: "no assertion",
        lambda _: "",
    ],
)
def test_a_changed_assertion_is_refused(issue: Issue, redeem: Ask, change: Callable[[str], str]) -> None:
    """50008: its signature is not that of the domain's identity provider, or it is no assertion."""
    changed = change(assertion_in(issue()))
    answer = redeem(changed or "e30")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [50008])


def test_white_space_and_comments_outside_do_not_count(issue: Issue, redeem: Ask) -> None:
    """The signature covers the canonical form of the assertion."""
    text = assertion_in(issue())
    for same in (f"\n{text}\n", f"<!-- x -->{text}", text.replace("<saml:Audience>", "<saml:Audience\n>")):
        assert redeem(same).status_code == 200


def test_an_assertion_of_the_other_version_is_refused(issue: Issue, redeem: Ask) -> None:
    """The grant type says which version it is."""
    assert redeem(assertion_in(issue()), "2").json()["error_codes"] == [50008]


def test_an_unknown_issuer(entra: Emulator, issue: Issue, redeem: Ask) -> None:
    """50107 if the domain is not federated any more; the message names the issuer."""
    text = assertion_in(issue())
    entra.state.default_tenant.federated_domains = ["other.example"]
    answer = redeem(text).json()
    assert (answer["error"], answer["error_codes"]) == ("invalid_request", [50107])
    assert issuer("federated.example") in answer["error_description"]


def test_an_old_assertion(entra: Emulator, issue: Issue, redeem: Ask) -> None:
    """500133 an hour later."""
    text = assertion_in(issue())
    entra.clock.advance(3600)
    assert redeem(text).json()["error_codes"] == [500133]


def test_a_user_that_the_directory_does_not_have(entra: Emulator, issue: Issue, redeem: Ask) -> None:
    """51004: the immutable id of the assertion is nobody's."""
    text = assertion_in(issue())
    user = entra.find_user(ANN)[1]
    user.properties["onPremisesImmutableId"] = "changed=="
    assert redeem(text).json()["error_codes"] == [51004]
    assert redeem(assertion_in(issue())).status_code == 200


def test_policies_apply(entra: Emulator, issue: Issue, redeem: Ask) -> None:
    """A second factor that is missing is refused as for a password."""
    entra.add_policy("mfa", resources=["graph"])
    assert redeem(assertion_in(issue())).json()["error_codes"] == [50076]


@pytest.mark.parametrize("trust", ["2005", "13"])
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"password": "wrong"}, "FailedAuthentication"),
        ({"username": "nobody@federated.example"}, "FailedAuthentication"),
        ({"username": "otto@northwind-partner.example"}, "FailedAuthentication"),
        ({"audience": "https://app.example/"}, "InvalidScope"),
        ({"kind": "urn:ietf:params:oauth:token-type:jwt"}, "InvalidRequest"),
    ],
)
def test_the_ad_fs_refuses(issue: Issue, trust: str, given: dict[str, str], code: str) -> None:
    """A SOAP fault with status 500, as AD FS answers even to a wrong password."""
    answer = issue(trust, **given)
    assert answer.status_code == 500
    assert f"a:{code}</s:Value>" in answer.text
    assert TRUST[trust] in answer.text


@pytest.mark.parametrize("body", ["", "<a/>", "x", "<!DOCTYPE a><a/>", "<a>" * 500 + "</a>" * 500])
def test_a_request_that_is_not_soap(entra: Emulator, http: httpx.Client, body: str) -> None:
    """A fault, too."""
    answer = http.post(f"{entra.authority}/adfs/services/trust/13/usernamemixed", content=body)
    assert (answer.status_code, "<s:Fault>" in answer.text) == (500, True)


def test_wrong_passwords_lock_the_account(entra: Emulator, issue: Issue) -> None:
    """The account's rules are those of the directory; AD FS does not say which of them refuses."""
    for _ in range(10):
        issue(password="wrong")
    assert entra.find_user(ANN)[1].locked_until
    assert issue().status_code == 500


def test_names_are_escaped(entra: Emulator, issue: Issue, redeem: Ask) -> None:
    """A name with characters of XML stays what it is."""
    user: User = entra.add_user("a'<b>&c@federated.example", entra.state.default_tenant)
    answer = issue(username="a'&lt;b&gt;&amp;c@federated.example")
    assert redeem(assertion_in(answer)).status_code == 200
    assert user.upn in entra.issued[-1].claims.values()

"""The knowledge of error codes is complete and well formed, and the best of it explains an answer."""

from __future__ import annotations

import re

import pytest

from mstoken import aadsts, errors
from mstoken.aadsts import classify, entries, explain, fill, lookup

# (codes, error, suberror, status) of error answers that were seen on the wire, and the exception each must become.
SEEN = [
    ((7000215,), "invalid_client", "", 401, "credential_rejected"),
    ((700038,), "unauthorized_client", "", 400, "misconfigured"),
    ((70003,), "unsupported_grant_type", "", 400, "misconfigured"),
    ((1002012,), "invalid_scope", "", 400, "misconfigured"),
    ((), "", "", 429, "throttled"),
    ((50034,), "invalid_grant", "", 400, "access_blocked"),
    ((50049,), "invalid_instance", "", 400, "misconfigured"),
    ((50053,), "unauthorized_client", "", 400, "access_blocked"),
    ((50055,), "user_password_expired", "user_password_expired", 400, "sign_in_required"),
    ((50055,), "invalid_grant", "user_password_expired", 400, "sign_in_required"),
    ((50057,), "invalid_grant", "", 400, "access_blocked"),
    ((50076,), "invalid_grant", "basic_action", 400, "sign_in_required"),
    ((50079,), "interaction_required", "", 400, "sign_in_required"),
    ((50126,), "invalid_grant", "", 400, "sign_in_required"),
    ((50173,), "invalid_grant", "bad_token", 400, "sign_in_required"),
    ((65001,), "invalid_grant", "consent_required", 400, "consent_required"),
    ((70000,), "invalid_grant", "", 400, "sign_in_required"),
    ((7000112,), "unauthorized_client", "", 400, "access_blocked"),
    ((700016,), "unauthorized_client", "", 400, "misconfigured"),
    ((7000218,), "invalid_client", "", 401, "credential_rejected"),
    ((7000222,), "invalid_client", "", 401, "credential_rejected"),
    ((700024,), "invalid_client", "", 401, "credential_rejected"),
    ((700027,), "invalid_client", "", 401, "credential_rejected"),
    ((700082,), "invalid_grant", "bad_token", 400, "sign_in_required"),
    ((700084,), "invalid_grant", "bad_token", 400, "sign_in_required"),
    ((70011,), "invalid_scope", "", 400, "misconfigured"),
    ((70016,), "authorization_pending", "", 400, "authorization_pending"),
    ((70020,), "expired_token", "", 400, "sign_in_required"),
    ((700211,), "invalid_client", "", 401, "credential_rejected"),
    ((700212,), "invalid_client", "", 401, "credential_rejected"),
    ((70021,), "invalid_request", "", 400, "credential_rejected"),
    ((900023,), "invalid_request", "", 400, "misconfigured"),
    ((90002,), "invalid_tenant", "", 400, "misconfigured"),
    ((900144,), "invalid_request", "", 400, "misconfigured"),
    ((9002313,), "invalid_grant", "", 400, "sign_in_required"),
    ((9002313,), "invalid_request", "", 400, "misconfigured"),
    ((9002326,), "invalid_request", "", 400, "misconfigured"),
    ((500011,), "invalid_resource", "", 400, "misconfigured"),
]
# What CSP partners meet, besides those above.
PARTNERS = ["50020", "50177", "53003", "650051", "650052", "70043", "7000229", "5000224", "900421", "10001"]
NAMES = [
    *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"),
    *("invalid_scope", "access_denied", "unsupported_response_type", "server_error", "temporarily_unavailable"),
    *("authorization_pending", "slow_down", "expired_token"),
    *("interaction_required", "login_required", "account_selection_required", "consent_required"),
    *("basic_action", "additional_action", "message_only", "user_password_expired", "bad_token", "token_expired"),
    *("protection_policy_required", "client_mismatch", "device_authentication_failed"),
    *("Authorization_RequestDenied", "Unable to initialize the authorization context"),
    *("SecretHeaderNotFound", "ManagedIdentityNotFound", "ArgumentNullOrEmpty"),
    *("interrupted_user", "ux_not_allowed", "no_tokens_found", "native_account_unavailable", "refresh_token_expired"),
    *("unmet_authentication_requirements", "insufficient_user_authentication"),
    *("Agent_Directory_QuotaExceeded", "AgentBlueprint_LimitExceeded", "AgentIdentity_LimitExceeded"),
    *("AgentIdentity_AgentBlueprintPrincipalDoesNotExist", "AgentIdentity_IncompatibleParentType"),
    *("AADB2C90006", "AADB2C90081", "AADB2C90091", "AADB2C90118", "AADB2C90225", "AADB2C99059"),
]
ALL_PLACEHOLDERS = aadsts.FALLBACKS.keys() | aadsts.COMPOSED


@pytest.mark.parametrize(("codes", "error", "suberror", "status", "kind"), SEEN)
def test_a_recorded_response_has_its_kind_and_a_remedy(
    codes: tuple[int, ...], error: str, suberror: str, status: int, kind: str
) -> None:
    """Each error answer recorded from Entra becomes the right exception and says what to do."""
    cause = classify(codes, error, suberror, status)
    assert cause.kind == kind
    assert cause.remedy
    if codes:
        assert cause.code.split("+")[0] == str(codes[0])


@pytest.mark.parametrize("code", [*PARTNERS, *NAMES])
def test_partner_codes_and_error_names_are_known(code: str) -> None:
    """The codes partners meet and the names the standards define are all in the data."""
    cause = lookup(code)
    assert cause is not None
    assert cause.code == code


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("AADSTS70023: External OIDC Provider token must have a lifetime of …", "70023", "24 hours"),
        ("AADSTS90009: Application 'x'(x) is requesting a token for itself.", "90009", "scope with every refresh"),
        ("AADSTS9010010: The resource parameter provided …", "9010010", "Leave `resource` out"),
        ("AADSTS700213: No matching federated identity record found", "700213", "repo:OWNER@ID/REPOSITORY@ID"),
        ("AADSTS50142: Password change is required due to a policy", "50142", "Change the password"),
        ("error=access_denied&error_description=AADB2C90118%3a+The+user+has", "AADB2C90118", "password reset"),
        ("AADB2C90080: The provided grant has expired. Correlation ID: 1-2", "AADB2C90080", "mstoken login"),
        ("aadb2c90225", "AADB2C90225", "Check both"),
        ('{"error":{"code":"AgentIdentity_LimitExceeded","message":"…"}}', "AgentIdentity_LimitExceeded", "for good"),
    ],
)
def test_recent_codes_are_explained(text: str, code: str, part: str) -> None:
    """Codes that Entra, Azure AD B2C and Graph give today, in the words they come with."""
    causes = explain(text)
    assert [cause.code for cause in causes] == [code]
    assert part in causes[0].remedy


def test_an_unknown_b2c_code_links_to_b2cs_page() -> None:
    """Entra's page of errors does not know it."""
    cause = explain("AADB2C98765: something new")[0]
    assert cause.code == "AADB2C98765"
    assert aadsts.B2C_REFERENCE in cause.remedy


def test_every_kind_is_an_exception_class() -> None:
    """KINDS are the snake-case names of classes of errors.py, and every entry has one of them."""
    classes = {re.sub("(?<!^)([A-Z])", r"_\1", name).lower() for name in vars(errors) if name[0].isupper()}
    assert classes >= aadsts.KINDS
    assert {cause.kind for cause in entries()} == aadsts.KINDS


def test_every_entry_is_well_formed() -> None:
    """Sentences are short and whole, placeholders are known, commands are balanced and unquoted, sources are URLs."""
    for cause in entries():
        for text in (cause.cause, cause.remedy):
            assert text.strip() == text != "", cause
            assert text.count("`") % 2 == 0, cause
            assert set(re.findall(r"\{([^}]*)\}", text)) <= ALL_PLACEHOLDERS, cause
            assert all(len(sentence) <= 300 for sentence in re.split(r"(?<=[.?!]) ", text)), cause
            assert text.endswith((".", "`", "}")), cause
        assert not re.search(r"['\"]\{|\}['\"]", "".join(cause.remedy.split("`")[1::2])), cause
        assert cause.source.startswith("https://"), cause
        assert not (cause.kills_grant and cause.retry), cause


@pytest.mark.parametrize("code", [*(str(codes[0]) for codes, *_ in SEEN if codes), *PARTNERS])
@pytest.mark.usefixtures("shell_reader")
def test_common_errors_suggest_a_command(code: str) -> None:
    """The remedy of every code that was seen on the wire or that partners meet has a command to run next."""
    cause = lookup(code)
    assert cause is not None
    commands = [command.split()[0] for command in fill(cause.remedy).split("`")[1::2]]
    assert {"mstoken", "az", "curl", "timedatectl"} & set(commands)


def test_at_least_two_hundred_numbers_are_known() -> None:
    """The data holds the codes people meet, not a sample."""
    assert sum(cause.code.isdigit() for cause in entries()) >= 200


@pytest.mark.parametrize("spelling", [50076, "50076", "50076 ", "AADSTS50076", "aadsts50076:", " AADSTS50076\n"])
def test_lookup_accepts_codes_in_every_spelling(spelling: int | str) -> None:
    """A code is found as number or text, with or without AADSTS, blanks and colon."""
    cause = lookup(spelling)
    assert cause is not None
    assert cause.name == "UserStrongAuthClientAuthNRequired"


def test_lookup_accepts_statuses_and_names_in_any_letter_case() -> None:
    """Error names are found in any case, HTTP statuses by number, and what is unknown is None."""
    assert lookup("INVALID_GRANT") == lookup("invalid_grant") is not None
    for status, kind in ((429, "throttled"), (500, "service_unavailable"), (503, "service_unavailable")):
        found = lookup(status)
        assert found is not None
        assert found.kind == kind
    assert lookup("no_such_name") is lookup(99999) is lookup("") is None


def test_classify_prefers_codes_then_suberror_then_error_then_status() -> None:
    """The finest word of the answer decides."""
    assert classify((99999, 50057), "invalid_grant", "bad_token", 400).code == "50057"
    assert classify((), "invalid_grant", "consent_required", 400).kind == "consent_required"
    assert classify((), "invalid_grant", "no_such_suberror", 400).code == "invalid_grant"
    assert classify((), "no_such_error", "", 401).kind == "credential_rejected"
    assert classify((), "", "", 503).kind == "service_unavailable"


def test_throttling_and_server_errors_are_not_request_errors() -> None:
    """429 and 5xx outrank a vague error name: the instance metadata service throttles with invalid_request."""
    assert classify((), "invalid_request", "", 429).kind == "throttled"
    assert classify((), "invalid_request", "", 502).kind == "service_unavailable"


def test_a_description_without_a_code_can_still_decide() -> None:
    """Known phrases of the metadata service and of Graph name their cause."""
    assert "managed identity" in classify((), "invalid_request", "", 400, "Identity not found").cause
    assert "GDAP" in explain("Unable to initialize  the\r\nauthorization context.")[0].cause


def test_an_unknown_code_has_its_number_and_a_general_remedy() -> None:
    """What is not known takes its kind from the rest, keeps its number and points to Entra's own page."""
    cause = classify((7654321,), "invalid_client", "", 401)
    assert (cause.code, cause.kind) == ("7654321", "credential_rejected")
    assert cause.remedy.endswith("https://login.microsoftonline.com/error?code=7654321")
    nothing = classify((), "", "", 0)
    assert nothing.kind == "misconfigured"
    assert nothing.remedy


def test_only_codes_that_end_a_refresh_token_say_so() -> None:
    """kills_grant holds for revoked and expired refresh tokens, not for MFA or sign-in frequency of one resource."""
    for code in ("50173", "700082", "700084", "bad_token"):
        found = lookup(code)
        assert found is not None
        assert found.kills_grant
    for code in ("50076", "50079", "65001", "70043", "token_expired", "invalid_grant", "53003"):
        found = lookup(code)
        assert found is not None
        assert not found.kills_grant

"""Device code: by the emulator's pages blocking and under asyncio, and the rules of polling on a clock of its own."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import BlockingRunner, Runner
from tests.support.scripted_user import ScriptedUser
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, device_code_reply, token_reply

from entra_emulator import Emulator
from mstoken import Authority, DeviceCode, DevicePrompt, SignInRequired, TokenRefused, UnreadableAnswer, UsageError
from mstoken.protocol.jwt import decode

OTTO = "otto@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
GRAPH = "https://graph.microsoft.com/.default"

CODES = device_code_reply()


def refusal(error: str, code: int = 0) -> Reply:
    words = {"error": error, "error_description": f"AADSTS{code}: no" if code else "no"}
    return Reply(400, words | ({"error_codes": [code]} if code else {}))


PENDING = refusal("authorization_pending", 70016)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator's codes are polled for without pause."""
    monkeypatch.setattr("entra_emulator.login.device.INTERVAL_IN", 1)


class Device:
    """A client of the scripted service on a clock that takes no time; `slept` are its waits, in seconds."""

    def __init__(self, runner: Runner, service: TokenService, credential: DeviceCode | None = None) -> None:
        self._runner = runner
        self.client = runner.client(TENANT, CLIENT_ID, credential or DeviceCode(lambda _: None), service.url)
        self.slept = use_fake_clock(self.client)

    def sign_in(self) -> Any:
        return self._runner.run(lambda: self.client.get_token("graph"))


@pytest.fixture
def device(runner: Runner, token_service: TokenService) -> Device:
    return Device(runner, token_service)


def test_a_user_enters_the_code(runner: Runner, entra: Emulator, otto: ScriptedUser, hasty: None) -> None:
    """The code is shown, typed on the page by the person, and the token is theirs; the next needs no code."""
    prompts: list[DevicePrompt] = []

    def prompt(shown: DevicePrompt) -> None:
        prompts.append(shown)
        threading.Thread(target=otto.enter_code, args=(shown.verification_uri, shown.user_code), daemon=True).start()

    app = runner.client("organizations", PUBLIC_APP, DeviceCode(prompt), entra.authority)
    token = runner.run(lambda: app.get_token("graph"))
    assert decode(token.token).claims["upn"] == OTTO
    assert runner.run(lambda: app.get_token("arm")).token != token.token
    [shown] = prompts
    assert shown.user_code in shown.message
    assert shown.expires_in == 900


def test_declining_on_the_page_ends_the_polling_with_an_error(
    runner: Runner, entra: Emulator, otto: ScriptedUser, hasty: None
) -> None:
    """Cancel on the page ends the polling with an error that says so."""

    def prompt(shown: DevicePrompt) -> None:
        threading.Thread(target=otto.refuse_code, args=(shown.verification_uri, shown.user_code), daemon=True).start()

    app = runner.client("organizations", PUBLIC_APP, DeviceCode(prompt), entra.authority)
    with pytest.raises(SignInRequired, match="declined") as caught:
        runner.run(lambda: app.get_token("graph"))
    assert caught.value.error == "authorization_declined"


def test_the_requests_are_the_documented_ones(token_service: TokenService, device: Device) -> None:
    """First client_id and scope; then grant_type, device_code, client_id and scope, at the interval named."""
    token_service.script = [CODES, PENDING, token_reply(refresh_token="r1")]
    assert device.sign_in().token == "token-1"
    first, *polls = token_service.requests
    assert first.path == f"/{TENANT}/oauth2/v2.0/devicecode"
    scope = f"{GRAPH} openid offline_access profile"
    assert first.form == {"client_id": CLIENT_ID, "scope": scope}
    assert [one.path for one in polls] == [f"/{TENANT}/oauth2/v2.0/token"] * 2
    assert polls[0].form == {
        "client_id": CLIENT_ID,
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "the-device-code",
        "scope": scope,
    }
    assert device.slept == [5, 5]
    [kept] = device.client._stores.refresh_tokens.list_sign_ins()
    assert device.client._stores.refresh_tokens.load(kept).current == "r1"


def test_slow_down_adds_five_seconds_for_good(token_service: TokenService, device: Device) -> None:
    """RFC 8628 section 3.5: each slow_down makes this and all later waits five seconds longer."""
    slower = refusal("slow_down")
    token_service.script = [CODES, PENDING, slower, PENDING, slower, PENDING, token_reply()]
    device.sign_in()
    assert device.slept == [5, 5, 10, 10, 15, 15]


def test_polling_continues_after_a_transient_error(token_service: TokenService, device: Device) -> None:
    """A service that stumbles is polled on, more slowly; the person is still at it."""
    broken = Reply(503, "", {"Retry-After": "40"})
    token_service.script = [CODES, broken, PENDING, token_reply()]
    assert device.sign_in().token == "token-1"
    assert device.slept[0] == 5
    assert sum(device.slept) >= 5 + 40


@pytest.mark.parametrize(
    ("last", "word"),
    [
        (refusal("expired_token", 70020), "expired"),
        (refusal("code_expired"), "expired"),
        (refusal("authorization_declined"), "declined"),
        (refusal("access_denied"), "declined"),
    ],
)
def test_expiry_and_refusal_become_sign_in_required(
    token_service: TokenService, device: Device, last: Reply, word: str
) -> None:
    """Expiry and refusal, in Entra's words and the RFC's, are a sign-in that is still needed."""
    token_service.script = [CODES, PENDING, last]
    with pytest.raises(SignInRequired, match=word):
        device.sign_in()
    assert len(token_service.requests) == 3


def test_a_code_that_nobody_enters_expires(token_service: TokenService, device: Device) -> None:
    """Polling ends by itself when the code's time is over, whatever the service says."""
    assert isinstance(CODES.body, dict)
    token_service.script = [Reply(200, CODES.body | {"interval": 60}), PENDING]
    with pytest.raises(SignInRequired, match="expired"):
        device.sign_in()
    assert device.slept == [60] * 14  # a fifteenth would come after the end


def test_other_refusals_keep_their_kind_and_code(token_service: TokenService, device: Device) -> None:
    """What polling cannot heal keeps its own kind and code."""
    token_service.script = [CODES, refusal("invalid_grant", 53003)]
    with pytest.raises(TokenRefused) as caught:
        device.sign_in()
    assert caught.value.codes == (53003,)


def test_ctrl_c_ends_the_wait(token_service: TokenService) -> None:
    """An interrupt while waiting goes through, and no further request is made."""

    class Interrupted(list[float]):
        def append(self, _: float) -> None:
            raise KeyboardInterrupt

    token_service.script = [CODES, PENDING]
    device = Device(BlockingRunner(), token_service)
    device.client._runtime.slept = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        device.sign_in()
    assert len(token_service.requests) == 1


def test_without_a_prompt_the_code_is_printed_to_standard_error(
    runner: Runner, token_service: TokenService, capsys: pytest.CaptureFixture[str]
) -> None:
    """The service's own sentence, which has address and code."""
    said = "Öffnen Sie https://microsoft.com/devicelogin und geben Sie ABC123DEF ein."
    assert isinstance(CODES.body, dict)
    token_service.script = [Reply(200, CODES.body | {"message": said}), token_reply()]
    Device(runner, token_service, DeviceCode()).sign_in()
    assert capsys.readouterr() == ("", f"{said}\n")


@pytest.mark.parametrize(
    "said",
    [
        "Open the page and enter ABC123DEF.",
        "Open https://microsoft.com/devicelogin.",
        "Enter ABC123DEF at https://evil.example, not at https://microsoft.com/devicelogin.",
        None,
        7,
    ],
)
def test_a_message_with_another_address_is_not_shown(
    runner: Runner, token_service: TokenService, capsys: pytest.CaptureFixture[str], said: object
) -> None:
    """What lacks the page or the code, or names another page, is replaced by our own sentence."""
    assert isinstance(CODES.body, dict)
    token_service.script = [Reply(200, CODES.body | {"message": said}), token_reply()]
    Device(runner, token_service, DeviceCode()).sign_in()
    assert capsys.readouterr().err == "Open https://microsoft.com/devicelogin and enter the code ABC123DEF.\n"


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/devicelogin",
        "https://microsoft.com.evil.example/devicelogin",
        "https://notmicrosoft.com/devicelogin",
        "https://xn--mcrosoft-q2a.com/devicelogin",
        "https://evil.example/#https://microsoft.com/devicelogin",
    ],
)
def test_a_page_of_an_unknown_host_is_shown_with_a_warning(
    token_service: TokenService, device: Device, caplog: pytest.LogCaptureFixture, uri: str
) -> None:
    """The person learns, before the code is shown, that the authority has no business naming that host."""
    assert isinstance(CODES.body, dict)
    token_service.script = [Reply(200, CODES.body | {"verification_uri": uri}), token_reply()]
    device.sign_in()
    [warning] = [record.getMessage() for record in caplog.records]
    assert uri.partition("://")[2].partition("/")[0] in warning
    assert "only if you know" in warning


@pytest.mark.parametrize(
    "uri",
    [
        "https://microsoft.com/devicelogin",
        "https://www.microsoft.com/link",
        "https://login.microsoft.com/device",
        "https://LOGIN.microsoftonline.us/common/oauth2/deviceauth",
        "https://login.partner.microsoftonline.cn/device",
        "https://127.0.0.1:8443/device",
    ],
)
def test_a_page_of_the_sign_in_service_needs_no_warning(
    token_service: TokenService, device: Device, caplog: pytest.LogCaptureFixture, uri: str
) -> None:
    """The authority's own host, and those of Microsoft's clouds."""
    assert isinstance(CODES.body, dict)
    token_service.script = [Reply(200, CODES.body | {"verification_uri": uri}), token_reply()]
    device.sign_in()
    assert caplog.records == []


@pytest.mark.parametrize(
    "change",
    [
        {"device_code": ""},
        {"user_code": None},
        {"user_code": "A\x1b[2J"},
        {"verification_uri": "http://microsoft.example"},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "https://microsoft.com@evil.example/"},
        {"verification_uri": "https://microsoft.com\\@evil.example/"},
        {"verification_uri": "https://microsoft.com/ https://evil.example"},
        {"verification_uri": "https://m\u0456crosoft.com/devicelogin"},
        {"verification_uri": "https://microsoft.com/\u202eelpmaxe"},
        {"verification_uri": "https://microsoft.com/\ud800"},
        {"verification_uri": "https://[::1/devicelogin"},
        {"verification_uri": "https:///devicelogin"},
    ],
)
def test_invalid_codes_are_not_shown(token_service: TokenService, device: Device, change: dict[str, Any]) -> None:
    """What is missing, steers the terminal or leads to no https page is an unreadable answer."""
    assert isinstance(CODES.body, dict)
    token_service.script = [Reply(200, CODES.body | change)]
    with pytest.raises(UnreadableAnswer):
        device.sign_in()


@pytest.mark.parametrize("interval", ["soon", None, 0, -1, "NaN"])
def test_an_invalid_interval_is_replaced_by_the_default(
    token_service: TokenService, device: Device, interval: object
) -> None:
    """RFC 8628 section 3.2: five seconds."""
    assert isinstance(CODES.body, dict)
    token_service.script = [Reply(200, CODES.body | {"interval": interval}), token_reply()]
    device.sign_in()
    assert device.slept == [5]


@pytest.mark.parametrize("expires_in", [0, -1, "soon", "0", False, 1_500_000_000])
def test_a_code_with_an_invalid_expiry_is_not_shown(
    token_service: TokenService, device: Device, expires_in: object
) -> None:
    """A life that cannot be read, or that is over, is an unreadable answer and not an hour."""
    assert isinstance(CODES.body, dict)
    token_service.script = [Reply(200, CODES.body | {"expires_in": expires_in})]
    with pytest.raises(UnreadableAnswer, match="expires_in"):
        device.sign_in()


def test_device_code_at_a_standard_oauth_server_is_refused(runner: Runner) -> None:
    """Only its token endpoint is known: a usage error, and no request."""
    app = runner.client("", CLIENT_ID, DeviceCode(), Authority.oauth("https://auth.example/token"))
    with pytest.raises(UsageError, match="token endpoint"):
        runner.run(lambda: app.get_token("x"))

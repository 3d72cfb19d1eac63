"""The admin API: who may use it, and what it does."""

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.admin.api import CALLS

Get = Callable[..., httpx.Response]
TENANT = "northwind-partner.example"
OTTO = "otto@northwind-partner.example"


def _trust(entra: Emulator) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(entra.ca_file))


@pytest.fixture
def admin(entra: Emulator) -> Iterator[httpx.Client]:
    """A client with the key."""
    headers = {"Authorization": f"Bearer {entra.admin_key}"}
    base = f"{entra.admin_url}/api"
    with httpx.Client(verify=_trust(entra), trust_env=False, headers=headers, base_url=base) as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Host": "localhost:1"}, 403),
        ({"Host": "localhost"}, 403),
        ({"Host": "evil.example"}, 421),
    ],
)
def test_requests_without_the_key_are_refused(admin: httpx.Client, headers: dict[str, str], status: int) -> None:
    """Without the key, from another origin, or under another host name nothing is answered."""
    assert admin.get("/clock", headers=headers).status_code == status


def test_web_page_cannot_post_a_form(admin: httpx.Client) -> None:
    """A body that a page may send across origins without asking (a form) is not taken, whole or in chunks."""
    for body in (b"code=50076", iter([b"code=50076"])):
        assert admin.post("/faults", content=body, headers={"Content-Type": "text/plain"}).status_code == 415


def test_microsofts_host_names_have_no_admin_api(entra: Emulator, proxied: httpx.Client) -> None:
    """Through the proxy there is no admin API: it is the emulator's own, not Microsoft's."""
    headers = {"Authorization": f"Bearer {entra.admin_key}"}
    answer = proxied.get("https://login.microsoftonline.com/_admin/api/clock", headers=headers)
    assert answer.status_code == 404


def test_a_complete_tenant_can_be_created(
    entra: Emulator, admin: httpx.Client, ask: Get, claims: Callable[[str], Any]
) -> None:
    """A tenant, an application, a consent and a user made by the API work like those of a configuration."""
    tenant, app = "11111111-2222-4333-8444-555555555551", "11111111-2222-4333-8444-555555555552"
    admin.post("/tenants", json={"id": tenant, "name": "New", "domains": ["new.example"]}).raise_for_status()
    made = admin.post("/apps", json={"id": app, "name": "Job", "tenant": tenant})
    grant = {"app": app, "resource": "00000003-0000-0000-c000-000000000000", "roles": ["User.Read.All"]}
    admin.post("/tenants/new.example/grants", json=grant).raise_for_status()
    assert admin.post("/tenants/new.example/users", json={"upn": "a@new.example", "name": "A"}).status_code == 201
    secret = made.json()["secrets"][0]["value"]
    answer = ask(
        "new.example",
        grant_type="client_credentials",
        client_id=app,
        client_secret=secret,
        scope="https://graph.microsoft.com/.default",
    )
    assert claims(answer.json()["access_token"])["roles"] == ["User.Read.All"]


def test_change_and_remove_entries(entra: Emulator, admin: httpx.Client, user_token: Get) -> None:
    """An entry is changed by its id or name, one member at a time, and can be taken away."""
    path = f"/tenants/{TENANT}/users/{OTTO}"
    assert admin.patch(path, json={"enabled": False}).json()["enabled"] is False
    assert user_token(user=OTTO).json()["error_codes"] == [50057]
    assert admin.get(path).json()["name"] == "Otto Falk"
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404


def test_policy_by_the_api(admin: httpx.Client, user_token: Get) -> None:
    """A policy switched on by the API refuses the next request, and off again it does not."""
    made = admin.post(f"/tenants/{TENANT}/policies", json={"name": "Nobody", "require": "block"}).json()
    assert user_token().json()["error_codes"] == [53003]
    admin.patch(f"/tenants/{TENANT}/policies/{made['id']}", json={"enabled": False}).raise_for_status()
    assert user_token().status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/tenants", {"id": "x", "name": "n"}, "not a GUID"),
        ("POST", "/apps", {"name": "n"}, "missing"),
        ("POST", f"/tenants/{TENANT}/users", {"upn": 7, "name": "n"}, "expected text"),
        ("POST", f"/tenants/{TENANT}/policies", {"name": "n", "require": "luck"}, "expected one of"),
        ("PATCH", f"/tenants/{TENANT}/users/{OTTO}", {"shoe_size": 43}, "unknown key"),
        ("PATCH", f"/tenants/{TENANT}", {"password_agent": "odd"}, "expected one of"),
        ("POST", "/faults", {"times": 1}, "needs one of"),
        ("POST", "/faults", {"status": 503, "service": "mail"}, "expected one of"),
        ("POST", "/throttles", {"units": 0}, "units is at least 1"),
        ("POST", "/throttles", {"units": 1, "service": "login"}, "expected one of"),
        ("POST", "/clock", {"advance_in": "soon"}, "advance_in"),
        ("POST", "/sign-ins", {}, "user"),
        ("PUT", "/state", {}, "configuration"),
        ("GET", "/requests?after=x", None, "number"),
    ],
)
def test_mistakes_are_reported_and_change_nothing(
    entra: Emulator, admin: httpx.Client, method: str, path: str, body: Any, words: str
) -> None:
    """A wrong call is 400 with a sentence that says what is wrong, and leaves the state as it was."""
    before = entra.snapshot()
    answer = admin.request(method, path, json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert entra.snapshot() == before


@pytest.mark.parametrize(
    "path", ["/tenants/nowhere", "/apps/none", f"/tenants/{TENANT}/shoes", "/faults/none", "/nothing"]
)
def test_unknown_entries_are_404(admin: httpx.Client, path: str) -> None:
    """An unknown tenant, application, collection, fault or path is 404."""
    assert admin.request("DELETE" if "faults" in path else "GET", path).status_code == 404


def test_an_invalid_json_body_is_refused(admin: httpx.Client) -> None:
    """A body that is no JSON is 400."""
    headers = {"Content-Type": "application/json"}
    assert admin.post("/faults", content="{", headers=headers).status_code == 400


def test_faults_by_the_api(entra: Emulator, admin: httpx.Client, app_token: Get) -> None:
    """A fault is ordered, listed, used up, and can be taken away."""
    made = admin.post("/faults", json={"status": 503, "times": 1}).json()
    assert [one["id"] for one in admin.get("/faults").json()["value"]] == [made["id"]]
    assert app_token().status_code == 503
    assert admin.get("/faults").json()["value"] == []
    kept = admin.post("/faults", json={"code": 50076}).json()
    assert admin.delete(f"/faults/{kept['id']}").status_code == 204
    admin.post("/faults", json={"code": 50076})
    assert admin.delete("/faults").status_code == 204
    assert app_token().status_code == 200


def test_limits_by_the_api(entra: Emulator, admin: httpx.Client) -> None:
    """A limit is set, listed and removed."""
    made = admin.post("/throttles", json={"units": 3, "window_in": 60, "kind": "Write"}).json()
    assert [limit["id"] for limit in admin.get("/throttles").json()["value"]] == [made["id"]]
    assert [(limit.units, limit.kind) for limit in entra.throttles] == [(3, "Write")]
    assert admin.delete(f"/throttles/{made['id']}").status_code == 204
    assert admin.delete(f"/throttles/{made['id']}").status_code == 404
    admin.post("/throttles", json={"units": 3})
    assert admin.delete("/throttles").status_code == 204
    assert entra.throttles == []


def test_log_by_the_api(admin: httpx.Client, app_token: Get) -> None:
    """The log is read from where a test last looked, without secrets and without the admin API's own calls."""
    app_token()
    seen = admin.get("/requests").json()
    app_token(client_secret="my-wrong-secret")
    fresh = admin.get("/requests", params={"after": seen["count"]})
    assert [one["aadsts"] for one in fresh.json()["value"]] == [7000215]
    assert "my-wrong-secret" not in fresh.text
    admin.delete("/requests")
    assert admin.get("/requests").json() == {"count": 0, "value": []}


def test_tokens_by_the_api(admin: httpx.Client, app_token: Get) -> None:
    """The tokens issued are told decoded, and no token is in the answer."""
    token = app_token().json()["access_token"]
    answer = admin.get("/tokens")
    assert [one["claims"]["aud"] for one in answer.json()["value"]] == ["https://graph.microsoft.com"]
    assert token not in answer.text


def test_clock_sign_in_and_keys_by_the_api(entra: Emulator, admin: httpx.Client, user_token: Get) -> None:
    """The clock is moved, a user signed in and revoked, and the key rotated."""
    token = admin.post("/sign-ins", json={"user": OTTO, "mfa": True}).json()["refresh_token"]
    assert user_token(refresh_token=token).status_code == 200
    assert admin.post("/clock", json={"advance_in": 90}).json()["offset_in"] == 90
    kid = admin.post("/keys/rotate", json={}).json()["kid"]
    assert admin.get("/tokens").json()["value"][-1]["header"]["kid"] != kid
    admin.post("/revocations", json={"user": OTTO}).raise_for_status()
    assert user_token(refresh_token=token).json()["error_codes"] == [50173]


def test_device_codes_without_a_browser(entra: Emulator, admin: httpx.Client, ask: Get) -> None:
    """A code, or the newest one, is approved for a user by the API and from Python; then the device gets its tokens."""
    public: dict[str, Any] = {"client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02", "client_secret": None}
    url = f"{entra.authority}/organizations/oauth2/v2.0/devicecode"

    def begin() -> dict[str, Any]:
        asked = {"client_id": public["client_id"], "scope": "openid"}
        started: dict[str, Any] = httpx.post(url, data=asked, verify=entra.ssl_context, trust_env=False).json()
        return started

    def token(device: dict[str, Any]) -> httpx.Response:
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        return ask("organizations", grant_type=grant, device_code=device["device_code"], **public)

    first, second, third = begin(), begin(), begin()
    shown = first["user_code"]
    assert admin.post("/device-codes", json={"user": OTTO, "user_code": shown.lower()}).status_code == 204
    assert admin.post("/device-codes", json={"user": OTTO}).status_code == 204
    assert token(second).json()["error"] == "authorization_pending"
    for device in (first, third):
        assert "id_token" in token(device).json()
    entra.approve_device(OTTO, second["user_code"])
    assert "id_token" in token(second).json()
    for body in ({"user": OTTO, "user_code": shown}, {"user": OTTO}, {"user": "nobody@nowhere.example"}):
        assert admin.post("/device-codes", json=body).status_code in (400, 404)


def authorize_url(entra: Emulator, **changes: str) -> str:
    query = {
        "client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02",
        "response_type": "code",
        "redirect_uri": "http://localhost:9/",
        "scope": "openid https://graph.microsoft.com/User.Read",
        "state": "the state",
    }
    return f"{entra.authority}/organizations/oauth2/v2.0/authorize?{urlencode(query | changes)}"


def test_a_browser_sign_in_without_a_browser(entra: Emulator, admin: httpx.Client) -> None:
    """The response is as the user's browser would bring it: by redirect or form, with a code or with a refusal."""
    call = {"url": authorize_url(entra), "user": OTTO}
    end = admin.post("/browser-sign-ins", json=call).json()
    assert (end["fields"].keys(), end["by_form"]) == ({"code", "state", "session_state"}, False)
    assert end["fields"]["state"] == "the state"
    assert end["url"].startswith("http://localhost:9/?code=")
    refused = admin.post("/browser-sign-ins", json={**call, "cancel": True}).json()
    assert refused["fields"]["error"] == "access_denied"
    posted = entra.complete_sign_in(authorize_url(entra, response_mode="form_post"), OTTO)
    assert (posted.url, posted.by_form, posted.fields["state"]) == ("http://localhost:9/", True, "the state")
    assert posted.fields["code"] not in repr(posted)


@pytest.mark.parametrize(
    ("change", "user", "status", "words"),
    [
        ({"redirect_uri": "http://localhost:9/x"}, "nobody@nowhere.example", 404, "nobody@nowhere.example"),
        ({"redirect_uri": "https://evil.example/"}, OTTO, 400, "AADSTS50011"),
        ({"client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b04"}, "robin@outlook.example", 400, "personal account"),
    ],
)
def test_a_browser_sign_in_that_cannot_be_completed(
    entra: Emulator, admin: httpx.Client, change: dict[str, str], user: str, status: int, words: str
) -> None:
    """The answer has the words of the page at which the user would stand."""
    answer = admin.post("/browser-sign-ins", json={"url": authorize_url(entra, **change), "user": user})
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize("url", ["https://evil.example/", "http://localhost:9/", "x", ""])
def test_a_browser_sign_in_visits_nobody_else(admin: httpx.Client, url: str) -> None:
    answer = admin.post("/browser-sign-ins", json={"url": url, "user": OTTO})
    assert (answer.status_code, "does not serve" in answer.text) == (400, True)


def test_a_response_is_delivered_on_this_machine_only(entra: Emulator, admin: httpx.Client) -> None:
    """A program at localhost gets the response; the emulator connects to no other machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = authorize_url(entra, redirect_uri=f"http://localhost:{server.getsockname()[1]}/")
        call = {"url": url, "user": OTTO, "send": True}
        assert admin.post("/browser-sign-ins", json=call).status_code == 202
        server.settimeout(60)
        with server.accept()[0] as connection:
            assert connection.recv(16).startswith(b"GET /?code=")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    entra.state.app("8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02").redirect_uris.append("https://app.example/")  # type: ignore[union-attr]
    elsewhere = {**call, "url": authorize_url(entra, redirect_uri="https://app.example/")}
    answer = admin.post("/browser-sign-ins", json=elsewhere)
    assert (answer.status_code, "not at http://localhost" in answer.text) == (400, True)


def test_reset_restores_the_initial_state(entra: Emulator, admin: httpx.Client) -> None:
    """Reset brings back what the emulator began with; a whole state can be put in its place."""
    state = admin.get("/state").json()
    state["tenants"][0]["name"] = "Renamed"
    assert admin.put("/state", json=state).status_code == 204
    assert entra.state.default_tenant.name == "Renamed"
    admin.post("/reset").raise_for_status()
    assert entra.state.default_tenant.name == "Northwind Partner"


def test_page_lists_every_call() -> None:
    """docs/emulator-admin.md has each call of the API, and none that is not there."""
    page = Path(__file__).parents[3].joinpath("docs/emulator-admin.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| (GET|POST|PUT|PATCH|DELETE) `([^`]+)` \|", page, re.MULTILINE))
    assert told == {(method, path) for method, path, _ in CALLS}

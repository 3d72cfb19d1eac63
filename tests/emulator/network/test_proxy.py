"""The transparent proxy: Microsoft's hosts, and nothing else."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from entra_emulator import Emulator


def say(entra: Emulator, head: str) -> str:
    """What the proxy answers to raw bytes."""
    with socket.create_connection(("127.0.0.1", urlsplit(entra.proxy).port or 0), timeout=10) as raw:
        raw.sendall(head.encode())
        parts = []
        while data := raw.recv(4096):
            parts.append(data)
    return b"".join(parts).decode()


@pytest.mark.parametrize(
    "url",
    [
        "https://login.microsoftonline.com/common/discovery/v2.0/keys",
        "https://login.windows.net/common/discovery/v2.0/keys",
        "https://westus2.login.microsoft.com/common/discovery/v2.0/keys",
        "https://login.microsoftonline.us/common/discovery/v2.0/keys",
        "https://login.sovcloud-identity.fr/common/discovery/v2.0/keys",
        "https://login.sovcloud-identity.de/common/discovery/v2.0/keys",
        "https://login.sovcloud-identity.sg/common/discovery/v2.0/keys",
    ],
)
def test_sign_in_hosts_lead_to_the_emulator(proxied: httpx.Client, url: str) -> None:
    """Under Microsoft's own host names, aliases and regions too, the emulator answers."""
    assert proxied.get(url).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.microsoft.com/v1.0/me",
        "https://graph.microsoft.us/v1.0/me",
        "https://management.azure.com/tenants",
        "https://api.partnercenter.microsoft.com/v1/customers",
    ],
)
def test_api_hosts_lead_to_the_emulator(proxied: httpx.Client, url: str) -> None:
    """The APIs answer under their own names, and want a token."""
    assert proxied.get(url).status_code == 401


def test_localhost_is_passed_through(entra: Emulator, proxied: httpx.Client) -> None:
    """A client that sends everything to the proxy reaches the emulator's localhost too."""
    assert proxied.get(f"{entra.authority}/common/discovery/v2.0/keys").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "example.com:443",
        "login.microsoftonline.com",
        "login.microsoftonline.com:",
        "login.microsoftonline.com:0",
        "login.microsoftonline.com:-1",
        "login.microsoftonline.com:443x",
        "login.microsoftonline.com:" + "9" * 5000,
        "login.microsoftonline.com.evil.example:443",
        "evil-login.microsoftonline.com:443",
        "evil.example/login.microsoftonline.com:443",
        "login.microsoftonline.com@evil.example:443",
        "a.b.login.microsoft.com:443",
        "20.190.160.1:443",
        "127.0.0.1:443",
        "[::1]:443",
        "169.254.169.254:443",
        "localhost:1",
        "localhost:443",
        "vault.azure.net.evil.example:443",
        "a.b.vault.azure.net:443",
        ":443",
    ],
)
def test_everything_else_is_refused(entra: Emulator, target: str) -> None:
    """Other hosts, names that only look like Microsoft's, addresses and what is not a port get 403."""
    assert say(entra, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").startswith("HTTP/1.1 403 ")


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux tells who listens where")
def test_everything_listens_on_loopback_only(entra: Emulator) -> None:
    """Emulator, proxy and a machine's endpoints listen on 127.0.0.1 and on no other address."""
    with entra.machine() as machine:
        urls = [entra.authority, entra.proxy, machine.url("imds"), machine.url("service_fabric")]
        ports = {f"{urlsplit(url).port:04X}" for url in urls}
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        rows += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    listening = {tuple(row[1].split(":")) for row in rows if row[3] == "0A"}
    assert {(address, port) for address, port in listening if port in ports} == {("0100007F", port) for port in ports}


@pytest.mark.parametrize("port", [1, 80, 8443, 23386, 65535])
def test_any_port_of_a_served_host_leads_to_the_emulator(proxied: httpx.Client, port: int) -> None:
    """MSAL.NET 4.83 asks login.microsoftonline.com about an authority at the port of that authority."""
    url = f"https://login.microsoftonline.com:{port}/common/discovery/instance"
    endpoint = f"https://localhost:{port}/t/oauth2/v2.0/authorize"
    answer = proxied.get(url, params={"api-version": "1.1", "authorization_endpoint": endpoint})
    assert answer.json()["tenant_discovery_endpoint"].endswith("/t/v2.0/.well-known/openid-configuration")


def test_a_service_without_an_emulated_api_is_named(entra: Emulator) -> None:
    """The refusal of a Microsoft host says that tokens for it are issued."""
    for host, name in (("outlook.office365.com", "Exchange"), ("database.windows.net", "SQL")):
        body = say(entra, f"CONNECT {host}:443 HTTP/1.1\r\n\r\n").split("\r\n\r\n")[1]
        assert "does not emulate that API" in body
        assert name in body


def test_a_refusal_has_an_explanation(entra: Emulator) -> None:
    """The refusal says what was refused."""
    answer = say(entra, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
    assert answer.startswith("HTTP/1.1 403 ")
    assert "example.com:443" in answer.split("\r\n\r\n")[1]


def test_plain_http_is_refused(entra: Emulator) -> None:
    """The proxy carries only https."""
    assert say(entra, "GET http://login.microsoftonline.com/ HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 403 ")


@pytest.mark.parametrize("head", ["\r\n\r\n", "CONNECT\r\n\r\n", "CONNECT  HTTP/1.1\r\n\r\n", "\x00\x01\r\n\r\n"])
def test_invalid_requests_are_refused(entra: Emulator, head: str) -> None:
    """What is no request is refused, and the proxy goes on working."""
    assert say(entra, head).startswith("HTTP/1.1 403 ")


def test_an_endless_request_head_is_cut_off(entra: Emulator) -> None:
    """A head over 16 KiB ends the connection."""
    try:
        answer = say(entra, "CONNECT " + "a" * 40_000)
    except ConnectionError:
        answer = ""
    assert answer == ""


def test_last_bytes_arrive_when_the_server_closes(entra: Emulator, proxied: httpx.Client) -> None:
    """An answer with Connection: close comes through whole."""
    answer = proxied.get(
        "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration",
        headers={"Connection": "close"},
    )
    assert answer.json()["rbac_url"] == "https://pas.windows.net"

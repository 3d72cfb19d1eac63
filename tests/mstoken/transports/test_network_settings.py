"""Proxies and certificates, as `mstoken doctor` can tell how they were read."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import pytest

from mstoken.transports.network_settings import NetworkSetting, described


def test_settings_are_listed_by_precedence(ca_file: Path, tmp_path: Path) -> None:
    """What is used, what is not, and why; never the password."""
    environ = {
        "HTTPS_PROXY": "http://name:s3cret@upper.example:1",
        "https_proxy": "http://name:s3cret@lower.example:2",
        "NO_PROXY": "localhost, 10.0.0.0/8",
        "HTTP_PROXY": "http://name:s3cret@plain.example:3",
        "SSL_CERT_FILE": str(ca_file),
        "SSL_CERT_DIR": str(tmp_path),
        "CURL_CA_BUNDLE": str(ca_file),
        "ALL_PROXY": "",
        "OTHER": "x",
    }
    told = described(environ)
    assert told == (
        NetworkSetting("https_proxy", "the proxy is http://lower.example:2, with a name and a password"),
        NetworkSetting("HTTPS_PROXY", "not used: https_proxy counts"),
        NetworkSetting("NO_PROXY", "reached without the proxy: localhost, 10.0.0.0/8"),
        NetworkSetting("HTTP_PROXY", "not used: mstoken sends plain http to this machine only"),
        NetworkSetting("SSL_CERT_FILE", f"trusted instead of the system's certificates: {ca_file}"),
        NetworkSetting("SSL_CERT_DIR", f"trusted instead of the system's certificates: {tmp_path}"),
        NetworkSetting("CURL_CA_BUNDLE", f"trusted besides the other certificates: {ca_file}"),
        NetworkSetting("ALL_PROXY", "not used: set, but empty"),
    )
    assert "s3cret" not in repr(told)


def test_an_invalid_setting_is_reported_with_a_remedy(tmp_path: Path) -> None:
    """All of it at once, where a request would name the first only."""
    (tmp_path / "bad.pem").write_text("no certificate")
    environ = {
        "ALL_PROXY": "socks5://127.0.0.1:1",
        "NO_PROXY": "10.0.0.0/99",
        "SSL_CERT_FILE": "/no/such/file",
        "REQUESTS_CA_BUNDLE": str(tmp_path / "bad.pem"),
    }
    told = described(environ)
    assert [one.name for one in told] == list(environ)
    assert all(one.error and one.remedy and not one.meaning for one in told)


def test_exceptions_without_a_proxy_are_not_used() -> None:
    """And one list of two is."""
    assert described({"NO_PROXY": "a"}) == (NetworkSetting("NO_PROXY", "not used: there is no proxy"),)
    told = described({"HTTPS_PROXY": "a", "NO_PROXY": "b", "no_proxy": "c"})
    assert [one.meaning for one in told[1:]] == ["reached without the proxy: c", "not used: no_proxy counts"]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_the_systems_proxy_is_listed_if_no_variable_names_one(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """On macOS and Windows. A variable takes precedence."""
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://proxy.example:3128"})
    assert described({}) == (NetworkSetting("The system's proxy setting", "the proxy is http://proxy.example:3128"),)
    assert [one.name for one in described({"ALL_PROXY": "a"})] == ["ALL_PROXY"]
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://"})
    [refused] = described({})
    assert "not the address of a proxy" in refused.error


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_private_key_in_place_of_a_path_is_not_shown(name: str) -> None:
    """Neither the description nor the error repeats it."""
    key = f"-----BEGIN PRIVATE KEY-----\n{'c2VjcmV0' * 30}\n-----END PRIVATE KEY-----"
    [setting] = described({name: key})
    assert setting.error
    assert "c2VjcmV0" not in repr(setting)


def test_a_list_of_folders_without_a_folder_is_refused() -> None:
    """Without this check the system's store would be trusted, which the variable is meant to replace."""
    [setting] = described({"SSL_CERT_DIR": os.pathsep})
    assert setting.error == f"SSL_CERT_DIR names no folder: {os.pathsep!r}."

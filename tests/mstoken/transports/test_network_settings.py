"""Proxies and certificates, as `mstoken doctor` can tell how they were read."""

from __future__ import annotations

from pathlib import Path

import pytest

from mstoken import UsageError
from mstoken.transports.network_settings import NetworkSetting, check, described


def test_each_setting_is_told_in_the_order_in_which_it_counts(ca_file: Path, tmp_path: Path) -> None:
    """What is used, what is not, and why; never the password."""
    environ = {
        "HTTPS_PROXY": "http://name:s3cret@upper.example:1",
        "https_proxy": "http://name:s3cret@lower.example:2",
        "NO_PROXY": "localhost, 10.0.0.0/8",
        "ALL_PROXY": "",
        "SSL_CERT_FILE": str(ca_file),
        "SSL_CERT_DIR": str(tmp_path),
        "CURL_CA_BUNDLE": str(ca_file),
        "OTHER": "x",
    }
    told = described(environ)
    assert told == (
        NetworkSetting("https_proxy", "the proxy is http://lower.example:2"),
        NetworkSetting("HTTPS_PROXY", "not used: https_proxy counts"),
        NetworkSetting("NO_PROXY", "reached without the proxy: localhost, 10.0.0.0/8"),
        NetworkSetting("SSL_CERT_FILE", f"trusted instead of the system's certificates: {ca_file}"),
        NetworkSetting("SSL_CERT_DIR", f"trusted instead of the system's certificates: {tmp_path}"),
        NetworkSetting("CURL_CA_BUNDLE", f"trusted besides the other certificates: {ca_file}"),
    )
    assert "s3cret" not in repr(told)


def test_what_does_not_parse_is_told_with_what_to_do(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("name", "value"), [("HTTPS_PROXY", "http://a:port"), ("SSL_CERT_FILE", "/no/such"), ("CURL_CA_BUNDLE", "/no/such")]
)
def test_a_check_names_the_first_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """As the first request would; without any there is nothing to say."""
    check()
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=name):
        check()

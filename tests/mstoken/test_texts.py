"""Text with a byte order mark, wherever a file holds a token or PEM."""

from __future__ import annotations

from pathlib import Path

import pytest

from mstoken.credentials import FileAssertion
from mstoken.credentials.workload_identity import read_bundle
from mstoken.texts import as_utf8

PEM = "-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----\r\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_files_of_windows_hold_the_same_text(tmp_path: Path, encoding: str) -> None:
    """A federated token, and the certificate authorities of its proxy."""
    token, bundle = tmp_path / "token", tmp_path / "ca.pem"
    token.write_bytes("a.b.c\r\n".encode(encoding))
    bundle.write_bytes(PEM.encode(encoding))
    assert (FileAssertion(token).read(), read_bundle(str(bundle))) == ("a.b.c", PEM)


@pytest.mark.parametrize("raw", [b"", b"plain", b"\xff", b"\xff\xfe\x00", b"0\x82\x01", "é".encode("latin-1")])
def test_what_has_no_mark_or_is_no_text_stays_bytes(raw: bytes) -> None:
    """DER, and what cannot be decoded, are for the reader to refuse by name."""
    assert as_utf8(raw) == raw

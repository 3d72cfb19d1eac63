"""What is sent to a token endpoint is a form as everybody else writes it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from hypothesis import given
from hypothesis import strategies as st

from mstoken.protocol.token_endpoint import form_encoded


@given(st.dictionaries(st.sampled_from(["scope", "client_secret", "refresh_token"]), st.text()))
def test_a_form_is_encoded_as_urllib_does(form: dict[str, str]) -> None:
    """Byte for byte, and it reads back."""
    written = form_encoded(form)
    assert written == urlencode(form).encode()
    assert dict(parse_qsl(written.decode(), keep_blank_values=True)) == form

"""Note which kept token answered a command line, for `quick` to find."""

from __future__ import annotations

import os

from mstoken.cli.fast_path import ALIAS_TYPE
from mstoken.credentials import ClientCredential, RefreshToken
from mstoken.model import Token
from mstoken.protocol.cache_key import cache_key
from mstoken.stores.token_file_reader import read_token
from mstoken.stores.user_folders import token_folder
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import BaseCredential
    from mstoken.flows.store_port import AccessTokenStore
    from mstoken.model import TokenRequest


def save_alias(tokens: AccessTokenStore, fingerprint: str, request: TokenRequest) -> None:
    """Keep the note in the store, in the form of a token: so it is as private as one, and swept and cleared with them.

    None is kept where the fingerprint does not say whose token it is, which is when a profile's reference leads to a
    refresh token: another person's may lie there next time. And none where tokens are sealed, since reading one then
    takes longer than the ordinary way. The note ends with its token.
    """
    if not _fingerprint_covers(request.credential):
        return
    key = cache_key(request)
    cached = read_token(token_folder(), key)
    if cached is not None:
        tokens.save(fingerprint, Token(key, expires_on=cached[1], token_type=ALIAS_TYPE))


def _fingerprint_covers(credential: BaseCredential) -> bool:
    """Whether the fingerprint's parts (environment and profile's text) say whose the token is; False when in doubt."""
    if isinstance(credential, RefreshToken):
        value = os.environ.get("MSTOKEN_REFRESH_TOKEN", "").strip()
        return bool(credential.account) or credential.value == value
    return isinstance(credential, ClientCredential)

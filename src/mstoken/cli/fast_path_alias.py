"""Store which cached token answered a command line, for `fast_path` to find."""

from __future__ import annotations

import os
from time import time

from mstoken.credentials import ClientCredential, DeveloperTool, RefreshToken
from mstoken.model import Note
from mstoken.protocol.cache_key import cache_key
from mstoken.stores.token_file_reader import read_token
from mstoken.stores.user_folders import token_folder
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import BaseCredential
    from mstoken.flows.store_port import AccessTokenStore
    from mstoken.model import TokenRequest


def save_alias(tokens: AccessTokenStore, fingerprint: str, request: TokenRequest) -> None:
    """Store the alias as a note: the name of the cached token, under the fingerprint.

    Nothing is stored if the fingerprint does not determine the identity: a profile's reference may lead to another
    user's refresh token next time. Nothing is stored for encrypted tokens either, because decrypting one takes longer
    than the full path. The alias expires with its token.
    """
    if not _fingerprint_covers(request.credential):
        return
    key = cache_key(request)
    cached = read_token(token_folder(), key)
    if cached is not None:
        tokens.save_note(fingerprint, Note(key, int(time()), expires_on=cached[1]))


def _fingerprint_covers(credential: BaseCredential) -> bool:
    """Return whether the fingerprint's parts determine the identity: environment, profile, tools' files.

    False if in doubt.
    """
    if isinstance(credential, RefreshToken):
        value = os.environ.get("MSTOKEN_REFRESH_TOKEN", "").strip()
        return bool(credential.account) or credential.value == value
    return isinstance(credential, ClientCredential | DeveloperTool)

"""Store which cached token answered a command line, for `fast_path` to find."""

from __future__ import annotations

import json
import os
from time import time

from mstoken import credentials
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
    """Store the alias as a note: the name of the cached token and `facts` of its request, under the fingerprint.

    Nothing is stored if the fingerprint does not determine the identity: a profile's reference may lead to another
    user's refresh token next time. Nothing is stored for encrypted tokens either, because decrypting one takes longer
    than the full path. The alias expires with its token.
    """
    if not _fingerprint_covers(request.credential):
        return
    key = cache_key(request)
    cached = read_token(token_folder(), key)
    if cached is not None:
        text = f"{key}\n{json.dumps(facts(request))}"
        tokens.save_note(fingerprint, Note(text, int(time()), expires_on=cached[1]))


def facts(request: TokenRequest) -> dict[str, str]:
    """Return what a session says about a token and the token itself may not."""
    account = getattr(request.credential, "account", "")
    return {"tenant": request.authority.tenant, "client_id": request.client_id, "account": account}


def _fingerprint_covers(credential: BaseCredential) -> bool:
    """Return whether the fingerprint's parts determine the identity: environment, profile, tools' files.

    False if in doubt.
    """
    if isinstance(credential, credentials.RefreshToken):
        value = os.environ.get("MSTOKEN_REFRESH_TOKEN", "").strip()
        return bool(credential.account) or credential.value == value
    if isinstance(credential, credentials.ClientSecret):  # the most frequent, alone: the line below loads the others
        return True
    return isinstance(credential, credentials.ClientCredential | credentials.DeveloperTool)

"""`mstoken request --continue`: send a request that a sign-in interrupted, with the same body.

The request is stored encrypted beside the vault, without a token, for a day at most.
"""

from __future__ import annotations

import base64
import json
import os
import time

from mstoken.cli import exit_codes, output
from mstoken.cli.api_requests import with_body
from mstoken.cli.identity import client_for
from mstoken.cli.options import RequestArguments
from mstoken.cli.request_placeholders import fill_in
from mstoken.errors import MstokenError, SignInRequired, StoreError, UsageError
from mstoken.stores.locks import release_nothing
from mstoken.stores.sealed_files import SealedFiles
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.client import Client
    from mstoken.rest.response import ApiResponse

    OnResponse = Callable[[ApiResponse], None]
    Send = Callable[[RequestArguments, OnResponse], int]

_FOR_IN = 24 * 3600
"""Seconds for which a request is stored: later, it may not be what its author means any more."""
_LARGEST = 64 * 1024 * 1024
"""Bytes of a body that is stored; Graph and Resource Manager take a few megabytes."""
_COMPARED = 20
"""Stored requests, the newest first, among which the same one is found again."""
_KIND = "requests"


@value
class _Stored:
    """A stored request. `owner` is authority, tenant, client id, and the user's object id; `user` is their name."""

    owner: tuple[str, ...]
    user: str
    arguments: RequestArguments

    @property
    def line(self) -> str:
        return f"{self.arguments.method} {self.arguments.url.partition('?')[0]}"


class _Answered:
    """Whether the API has received the request: answered it for good, or at least begun what it asks for."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.done, self._then = False, then

    def __call__(self, response: ApiResponse) -> None:
        waits = {exit_codes.SIGN_IN, exit_codes.LATER}
        if not self.done and (response.ok or exit_codes.exit_code_of(response.error()) not in waits):
            self.done = True
            self._then()


def storing(arguments: RequestArguments, send: Send) -> int:
    """Send a request that changes something. If a sign-in is required first, store it and say how to continue.

    Returns the exit code of `send`, and raises what it raises.
    """
    arguments, answered = with_body(arguments), _Answered()  # standard input can be read only once
    try:
        code = send(arguments, answered)
    except SignInRequired:
        if not answered.done:
            _store(arguments)
        raise
    if code == exit_codes.SIGN_IN and not answered.done:
        _store(arguments)
    return code


def continue_latest(send: Send) -> int:
    """Send the request that was stored last, and delete it when the API has answered it.

    Returns the exit code of `send`. Raises UsageError if there is no request, or it is another identity's; StoreError
    if it cannot be read; and what `send` raises.
    """
    files = SealedFiles(_KIND)
    release = files.lock(_KIND) if files.names() else release_nothing
    if release is None:
        raise UsageError("Another mstoken sends the stored request now.", "Wait for it, and see what it prints.")
    try:
        name, stored = _latest(files)
        arguments, answered = stored.arguments, _Answered(lambda: _delete(files, name))
        try:
            with client_for(arguments.flags()) as client:
                _check_owner(stored, *_owner_of(client, arguments))
            others = len(files.names()) - 1
            output.message(f"Sending {stored.line}{f'; {others} more stored' if others else ''}.")
            return send(arguments, answered)
        finally:
            if not answered.done:
                output.message("The request is still stored. To send it: mstoken request --continue")
    finally:
        release()


def _latest(files: SealedFiles) -> tuple[str, _Stored]:
    """Return name and content of the newest request, after deleting those that are too old."""
    old = files.delete_before(time.time() - _FOR_IN)
    name = next(iter(files.names()), "")
    if not name:
        raise UsageError(
            "The stored request is older than a day, so it was deleted." if old else "No request waits for a sign-in.",
            "Send it as you did the first time.",
        )
    stored = _parse(files.load(name))
    if stored is None:
        raise StoreError(
            f"The stored request in {os.path.join(files.folder, name)} cannot be read: "  # noqa: PTH118
            "it is damaged, or encrypted with another key.",
            "Use the vault's key of that time, or delete the file and send the request as you did the first time.",
        )
    return name, stored


def _owner_of(client: Client, arguments: RequestArguments) -> tuple[tuple[str, ...], str]:
    """Return `owner` and `user` of a request. Raises what `Client.get_token` raises."""
    from mstoken.protocol.cache_key import client_parts
    from mstoken.protocol.chain import served
    from mstoken.protocol.jwt import readable
    from mstoken.services import Scope

    wanted = Scope(arguments.scope) if arguments.scope else client.api_url(arguments.url)
    decoded = readable(client.get_token(wanted).token)
    request, claims = served(client.token_request(wanted)), decoded.claims if decoded else {}
    user = str(claims.get("oid", "")) or request.credential.cache_partition(request.authority)
    return (*client_parts(request), user), str(claims.get("upn") or claims.get("preferred_username") or user)


def _check_owner(stored: _Stored, owner: tuple[str, ...], user: str) -> None:
    """Raise UsageError if somebody else would now send the request. An owner that was not known is not compared."""
    if stored.owner in ((), owner):
        return
    then, now = (
        f"{name} in the tenant {of[1]} with the application {of[2]}"
        for name, of in ((stored.user, stored.owner), (user, owner))
    )
    raise UsageError(
        f"{stored.line} was stored for {then}; the sign-in is now that of {now}.",
        "Sign in as before, or send the request as you did the first time.",
    )


def _store(arguments: RequestArguments) -> None:
    size = len(arguments.body or b"")
    if size > _LARGEST:
        output.message(
            f"The body of {size // 1_000_000} MB is too large to be stored. After the sign-in, send the request as you "
            "did this time."
        )
        return
    try:
        _save(_to_store(arguments))
    except StoreError as error:
        output.message(
            f"The request could not be stored: {error.message} After the sign-in, send it as you did this time."
        )
        return
    output.message("The request is stored, encrypted. After the sign-in, send it: mstoken request --continue")


def _to_store(arguments: RequestArguments) -> _Stored:
    """Return what is stored: the URL without placeholders, files by their full names, and for whom it is."""
    given, owner, user = dict(vars(arguments)), tuple[str, ...](), ""
    for name in ("save", "upload"):
        if given.get(name):
            given[name] = os.path.abspath(os.path.expanduser(given[name]))  # noqa: PTH100, PTH111 - links stay
    try:
        with client_for(arguments.flags()) as client:
            given["url"] = client.api_url(fill_in(arguments.url, client, arguments.subscription))
            owner, user = _owner_of(client, RequestArguments(**given))
    except MstokenError:
        pass  # without a token, nobody is known to have sent it
    return _Stored(owner, user, RequestArguments(**given))


def _save(stored: _Stored) -> None:
    """Store the request, in place of the same one if that is stored already. Raises StoreError."""
    files = SealedFiles(_KIND)
    files.delete_before(time.time() - _FOR_IN)
    for name in files.names()[:_COMPARED]:
        present = _parse(files.load(name))
        if present and (present.owner, vars(present.arguments)) == (stored.owner, vars(stored.arguments)):
            break
    else:
        name = os.urandom(16).hex()
    files.save(name, _encode(stored))


def _delete(files: SealedFiles, name: str) -> None:
    try:
        files.delete(name)
    except StoreError as error:
        output.message(f"The request was sent, but is still stored, so do not continue it: {error.message}")


def _encode(stored: _Stored) -> bytes:
    """Return the request as JSON, its body in base64."""
    given: dict[str, Any] = dict(vars(stored.arguments))
    if given.get("body") is not None:
        given["body"] = base64.b64encode(given["body"]).decode()
    record = {"owner": stored.owner, "user": stored.user, "arguments": given}
    return json.dumps(record).encode()


def _parse(content: bytes | None) -> _Stored | None:
    """Return what `_encode` wrote; None if it is damaged, or that of another version."""
    try:
        record = json.loads(content or b"")
        given: dict[str, Any] = {
            name: tuple(one) if isinstance(one, list) else one for name, one in record["arguments"].items()
        }
        if given.get("body") is not None:
            given["body"] = base64.b64decode(given["body"])
        return _Stored(tuple(record["owner"]), str(record["user"]), RequestArguments(**given))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None

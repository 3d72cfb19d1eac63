"""Upload a file: as the body of one request, or in parts of an upload session, which a later call can continue."""

from __future__ import annotations

from functools import partial

from mstoken.errors import ApiRefused, StoreError, UnreadableAnswer, UsageError
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.hidden import HiddenDict
from mstoken.messages import warn
from mstoken.protocol.cache_key import cache_key
from mstoken.rest.api_request import ApiRequest
from mstoken.rest.facts import facts
from mstoken.rest.partial_file import ON_PROGRESS
from mstoken.rest.upload_file import UploadFile
from mstoken.rest.uploads import (
    UploadSession,
    decoded_session,
    is_own,
    next_offset,
    session_of,
    upload_plan,
)
from mstoken.stores.sealed_files import SealedFiles
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.rest.partial_file import OnBytes
    from mstoken.rest.requester import Requester
    from mstoken.rest.response import ApiResponse
    from mstoken.rest.uploads import UploadPlan

_GONE = (404, 410)
_MAY_CONTINUE = frozenset({408, 423, 429, 507})
"""Errors after which the session is still there: those, and 5xx."""
_MOST_STUCK = 3


async def upload(
    requester: Requester, path: str, *, resume: bool = False, on_progress: OnBytes | None = None
) -> ApiResponse:
    """Send the file at `path`; return the last response, whatever its status.

    `keep`: store the session, encrypted, until it ends, so that the same call continues it. Raises what `call` raises;
    UsageError for a file that cannot be read or changes meanwhile; UnreadableAnswer for a session that does not go on.
    """
    api, port = requester.api, requester.port
    file = await port.call(lambda: UploadFile(path))
    try:
        plan = upload_plan(requester.method, api.url, api.service, file.name, file.size)
        if plan is None:
            return await _whole(requester, file, on_progress)
        if not file.size:
            raise UsageError("An upload session cannot send an empty file.", "Send it with PUT and the URL …/content.")
        stored = _StoredSession(requester, plan.url, file) if resume else None
        return await _Upload(requester, plan, file, stored, on_progress).run()
    finally:
        file.close()


async def _whole(requester: Requester, file: UploadFile, on_progress: OnBytes | None) -> ApiResponse:
    api = requester.api
    limit = int(facts("uploads")["whole"]["limit"])
    if file.size > limit:
        raise UsageError(
            f"{file.path!r} is larger than the {limit // 1_000_000} MB that one request sends.",
            "Begin an upload session: POST …/createUploadSession.",
        )
    body = await requester.port.call(lambda: file.read(0, file.size))
    names = [str(name).lower() for name in api.headers]
    more = {} if "content-type" in names else {"Content-Type": "application/octet-stream"}
    request = replace(api, headers=HiddenDict({**api.headers, **more}), body=body, renews_timeout=True)
    response = await requester.send(request)
    if response.ok:
        _report(on_progress, file.size, file.size)
    return response


class _Upload:
    """One upload in the parts of a session."""

    def __init__(
        self,
        requester: Requester,
        plan: UploadPlan,
        file: UploadFile,
        stored: _StoredSession | None,
        on_progress: OnBytes | None,
    ) -> None:
        self._requester, self._api, self._port = requester, requester.api, requester.port
        self._plan, self._file, self._stored, self._on_progress = plan, file, stored, on_progress
        self._line = f"{requester.method} {self._api.url.partition('?')[0]}"

    async def run(self) -> ApiResponse:
        """Continue the stored session, or begin one; begin once more if it has ended meanwhile."""
        session = await self._stored.load() if self._stored else None
        restarted = False
        while True:
            if session is None:
                began = await self._begin()
                if not began.ok:
                    return began
                session, offset = session_of(began, self._file.size, self._file.modified_on), 0
                await self._save(session)
            else:
                found, session = await self._state(session)
                if isinstance(found, int):
                    offset = found
                elif found.status not in _GONE or restarted:
                    return found
                else:
                    await self._ended(session)
                    session = None
                    continue
            response, session = await self._parts(session, offset)
            if response.status not in _GONE or restarted:
                if response.status < 500 and response.status not in _MAY_CONTINUE:
                    await self._forget()
                return replace(response, method=self._requester.method, url=self._api.url)
            await self._ended(session)
            session, restarted = None, True

    async def _begin(self) -> ApiResponse:
        """Create the session, with the caller's body if there is one. To do so twice leaves a session that expires."""
        api, plan = self._api, self._plan
        body = api.json if api.json is not None or api.body else plan.body
        policy = replace(api.retry, unsafe=True)
        request = replace(api, method="POST", url=plan.url, json=body, retry=policy)
        return await self._requester.send(request)

    async def _parts(self, session: UploadSession, offset: int) -> tuple[ApiResponse, UploadSession]:
        """Send the parts from `offset` on until a response is final; that is also one of a session that has ended."""
        size, stuck = self._file.size, 0
        while True:
            _report(self._on_progress, offset, size)
            end = min(offset + self._plan.part, size)
            if end == size and not session.last_sent:
                session = replace(session, last_sent=True)
                await self._save(session)
            piece = await self._port.call(partial(self._file.read, offset, end - offset))
            headers = {"Content-Range": f"bytes {offset}-{end - 1}/{size}", "Content-Type": "application/octet-stream"}
            response = await self._send("PUT", session, headers, piece)
            found: int | ApiResponse | None = next_offset(response) if response.ok else None
            if response.ok and found is None and response.status != 202:
                _report(self._on_progress, size, size)
                return response, session
            if response.status == 401 and not session.with_token and is_own(session, self._api.url):
                session = replace(session, with_token=True)
                await self._save(session)
                continue
            if response.status == 416 or (response.ok and found is None):  # it has this part already: ask what it lacks
                found, session = await self._state(session)
            if not isinstance(found, int):
                return found or response, session
            stuck = stuck + 1 if found <= offset else 0
            if found >= size or stuck > _MOST_STUCK:
                raise UnreadableAnswer("The upload session does not go on.", "Upload the file again.")
            offset = found

    async def _state(self, session: UploadSession) -> tuple[int | ApiResponse, UploadSession]:
        """Return where the next part begins, else the error response."""
        response = await self._send("GET", session, {}, b"")
        if response.status == 401 and not session.with_token and is_own(session, self._api.url):
            session = replace(session, with_token=True)
            response = await self._send("GET", session, {}, b"")
        if not response.ok:
            return response, session
        found = next_offset(response)
        if found is None:
            raise UnreadableAnswer("The upload session does not say what it lacks.", "Look whether the file is there.")
        return found, session

    async def _send(self, method: str, session: UploadSession, headers: Mapping[str, str], body: bytes) -> ApiResponse:
        api = self._api
        request = ApiRequest(
            method, session.url, headers, body, timeout=api.timeout, retry=api.retry,
            anonymous=not session.with_token, renews_timeout=True, line=self._line,
        )  # fmt: skip
        return await self._requester.send(request)

    async def _ended(self, session: UploadSession) -> None:
        """Forget a session that is gone. Raises ApiRefused if the file may be complete."""
        await self._forget()
        if session.last_sent:
            raise ApiRefused(
                "The upload session has ended, and its last part was sent: the file may be complete.",
                "Look whether it is there. The same call uploads it again.",
                404,
            )
        warn("The upload session has ended: the upload starts over.")

    async def _save(self, session: UploadSession) -> None:
        if self._stored:
            await self._stored.save(session)

    async def _forget(self) -> None:
        if self._stored:
            await self._stored.forget()


class _StoredSession:
    """The stored session of one file, for one URL and one identity. Without it, an upload works and cannot continue."""

    def __init__(self, requester: Requester, url: str, file: UploadFile) -> None:
        self._port, self._file, self._files = requester.port, file, SealedFiles("uploads")
        self._name = fingerprint_of_parts(cache_key(requester.token_request), url, file.full_path)

    async def load(self) -> UploadSession | None:
        """Return the session, if it is one of the file as it is now."""
        try:
            content = await self._port.call(lambda: self._files.load(self._name))
        except StoreError as error:
            self._warn(error)
            return None
        session = decoded_session(content) if content else None
        same = session and (session.size, session.modified_on) == (self._file.size, self._file.modified_on)
        return session if same else None

    async def save(self, session: UploadSession) -> None:
        try:
            await self._port.call(lambda: self._files.save(self._name, session.encode()))
        except StoreError as error:
            self._warn(error)

    async def forget(self) -> None:
        try:
            await self._port.call(lambda: self._files.delete(self._name))
        except StoreError as error:
            self._warn(error)

    def _warn(self, error: StoreError) -> None:
        warn(f"If this upload is interrupted, it cannot continue: {error.message}")


def _report(on_progress: OnBytes | None, done: int, total: int) -> None:
    if on_progress is not None:
        with ON_PROGRESS:
            on_progress(done, total)

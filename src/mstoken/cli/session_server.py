"""The work of `mstoken session`: requests as lines of JSON on standard input, answered on standard output.

Python needs longer to start than a token takes. The module MsToken therefore starts one session, and sends it a line
of JSON for each request. docs/powershell-module.md describes the lines. The session starts without click, and loads
what a request needs when it comes.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import queue
import signal
import threading

from mstoken.cli import exit_codes, output
from mstoken.cli.session_requests import NAMES, PREFIXES, Requests
from mstoken.cli.standard_streams import take_standard_streams
from mstoken.errors import UsageError
from mstoken.forks import call_lock
from mstoken.hidden import hidden
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

PROTOCOL = 3
"""The version of the lines; it grows when a caller of the previous version would misunderstand them."""

_DEBUG = "mstoken: debug: "
_MESSAGE = "mstoken: "


def serve() -> int:
    """Serve requests on standard input until it ends. Raises UsageError if a standard stream is closed."""
    requests, answers = take_standard_streams("A session")
    Session(requests, answers).run()
    return exit_codes.DONE


ITEMS_A_LINE = 100
"""Windows PowerShell reads at most 2 MB of JSON at once."""


class Session:
    """Answers the lines of `requests` on `answers`, one request at a time; {"cancel": ID} ends the process."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._input, self._output = requests, answers
        self._lock = call_lock()
        self._waiting: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._canceled: set[object] = set()
        self._current: object = None
        self._signatures, self._wishes = _Replies(), _Replies()
        self._requests = Requests(self._sign, self._emit)

    def run(self) -> None:
        """Serve until the input ends. Raises BrokenPipeError if nobody reads the answers."""
        environment = {"prefixes": PREFIXES, "names": NAMES}
        self._write({"ready": {"protocol": PROTOCOL, "environment": environment}})
        output.report_waits(lambda seconds: self._write({"id": self._current, "waiting": seconds}))
        _survive_interrupts()
        threading.Thread(target=self._read, daemon=True).start()
        while (requested := self._waiting.get()) is not None:
            self._current = requested["id"]
            if self._current in self._canceled:
                self._write_canceled(self._current)
            else:
                answer = self._answer(requested)
                _survive_interrupts()  # a command may have let ^C end the process (`interrupt_at_once`)
                self._write({"id": requested["id"], **answer})
            self._current = None

    def _read(self) -> None:
        """Read the requests, in a thread: a request to cancel arrives while another one is served."""
        for line in self._input:
            try:
                requested = _parsed(line)
            except UsageError as error:
                self._write({"id": None, "error": output.failure_record(error, exit_codes.USAGE)})
                continue
            if "signature" in requested:
                self._signatures.put(requested.get("id"), _decoded(requested["signature"]))
            elif "more" in requested:
                self._wishes.put(requested.get("id"), requested["more"])
            elif "cancel" not in requested:
                self._waiting.put(requested)
            elif requested["cancel"] == self._current:
                # A blocking call cannot be stopped from outside, so the process ends; the caller starts another one.
                self._write_canceled(requested["cancel"])
                os._exit(exit_codes.INTERRUPTED)
            else:
                self._canceled.add(requested["cancel"])
        self._signatures.end()
        self._wishes.end()
        self._waiting.put(None)

    def _sign(self, data: bytes, algorithm: str) -> bytes:
        """Have the caller sign, whose key does not leave its store. Raises UsageError if it does not."""
        self._write({"id": self._current, "sign": base64.b64encode(data).decode(), "algorithm": algorithm})
        signature: bytes = self._signatures.wait(self._current)
        if not signature:
            raise UsageError("The caller did not sign with the key of its certificate.", "Check who may use the key.")
        return signature

    def _emit(self, items: list[Any], inquire: bool) -> bool:
        """Send items of a collection, in lines that each caller can read; return whether to read the next page.

        With `inquire`, the last line asks the caller, and the request waits: a page that nobody wants is not requested.
        """
        parts = [items[at : at + ITEMS_A_LINE] for at in range(0, len(items), ITEMS_A_LINE)] or [[]]
        for number, part in enumerate(parts, 1):
            asks = {"more": True} if inquire and number == len(parts) else {}
            self._write({"id": self._current, "items": part, **asks})
        return inquire and self._wishes.wait(self._current) is True

    def _answer(self, requested: dict[str, Any]) -> dict[str, Any]:
        def notify(line: str) -> None:
            step = line.startswith(_DEBUG)
            text = line.removeprefix(_DEBUG if step else _MESSAGE)
            self._write({"id": requested["id"], "debug" if step else "message": text})

        from mstoken.cli.error_handling import record_of

        with _standard_error(notify):
            try:
                return {"result": self._requests.serve(requested)}
            except Exception as error:  # noqa: BLE001 - the caller gets every error as a record
                return {"error": record_of(error)}

    def _write_canceled(self, of: object) -> None:
        record = output.error_record("Canceled.", kind="interrupted", exit_code=exit_codes.INTERRUPTED)
        self._write({"id": of, "error": record})

    def _write(self, answer: Mapping[str, Any]) -> None:
        line = json.dumps(answer, separators=(",", ":")).encode() + b"\n"  # ASCII, whatever the console's code page
        with self._lock:
            self._output.write(line)
            self._output.flush()


class _Replies:
    """What the caller answers to the questions of one kind, with the id of the request that each is for."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[object, Any] | None] = queue.SimpleQueue()

    def put(self, request: object, reply: object) -> None:
        self._queue.put((request, reply))

    def end(self) -> None:
        """Leave the requests that wait, now or later, without a reply: the input has ended."""
        self._queue.put(None)

    def wait(self, request: object) -> Any:
        """Return the next reply for the request; None at the end of the input. Replies for others are dropped."""
        while (found := self._queue.get()) is not None:
            if found[0] == request:
                return found[1]
        self.end()
        return None


def _parsed(line: bytes) -> dict[str, Any]:
    """Return the request in a line. Raises UsageError, which does not repeat the line: it may contain a secret."""
    try:
        requested = json.loads(line)
    except (ValueError, RecursionError):
        requested = None
    if not isinstance(requested, dict) or not ("cancel" in requested or isinstance(requested.get("id"), int | str)):
        raise UsageError("A line is not a JSON object with an id.", 'Write {"id": 1, "method": "get", …}.')
    request: dict[str, Any] = hidden(requested)
    return request


def _decoded(text: object) -> bytes:
    """Return base64-encoded bytes; none for anything else."""
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        return b""


class _Lines(io.TextIOBase):
    """A text stream that passes each complete line on."""

    def __init__(self, notify: Any) -> None:
        self._notify, self._rest = notify, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._notify(line)
        return len(text)

    def finish(self) -> None:
        if self._rest:
            self._notify(self._rest)


@contextlib.contextmanager
def _standard_error(notify: Any) -> Iterator[None]:
    """Pass what is printed on standard error to `notify`, line by line."""
    lines = _Lines(notify)
    with contextlib.redirect_stderr(lines):
        yield
        lines.finish()


def _survive_interrupts() -> None:
    """Let ^C, which a terminal sends to every process in it, end a request at most, never an idle session.

    A function, and not SIG_IGN, which programs that mstoken starts would inherit.
    """
    signal.signal(signal.SIGINT, lambda *_: None)

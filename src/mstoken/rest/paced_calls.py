"""Slow down before an API throttles: wait for the pauses that its responses suggest, and share them.

A pause is a note in the store of access tokens, as that of the token service is (docs/decisions/0009): whoever shares
tokens shares it. A note saves requests and guards nothing, so of two writers at once the last one counts.
"""

from __future__ import annotations

from math import ceil

from mstoken import steps
from mstoken.flows.retry import SPREAD
from mstoken.messages import advice, warn
from mstoken.model import Note
from mstoken.rest.pacing import note_text
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.port import Port
    from mstoken.protocol.http import HttpResponse
    from mstoken.rest.pacing import Paced

LONG_WAIT_IN = 3.0
"""A wait of so many seconds is announced: without a word, the program would look as if it hung."""

_MOST_LOOKS = 100
"""How often a caller looks whether the pause was prolonged meanwhile."""


async def wait_for_pace(request: Paced, line: str, port: Port, max_wait_in: float) -> None:
    """Wait until the shared pauses are over, at most `max_wait_in` seconds in all: then the API itself decides.

    `line` is the request in words. A longer pause is not waited for at all.
    """
    waited_in = 0.0
    for _ in range(_MOST_LOOKS):
        left, reason = await _pause_left(request, port)
        wait = left * (1 + SPREAD * port.random())
        if not left or waited_in + wait > max_wait_in:
            return
        steps.paced(wait, reason)
        if wait >= LONG_WAIT_IN:
            option = advice(options="--max-wait SECONDS", python="max_wait=…")
            warn(f"{line} waits {wait:.0f} seconds to spare the API: {reason} ({option} limits this).")
        await port.sleep(wait)
        waited_in += wait


async def note_pace(request: Paced, response: HttpResponse, port: Port) -> None:
    """Share the pauses that the response suggests, unless a longer one is known."""
    for pause in request.pauses(response, port.now()):
        now, known = port.now(), await port.load_note(pause.place)
        if known is None or request.pause_left(known, now)[0] < pause.wait:
            await port.save_note(pause.place, Note(note_text(pause, now), int(now), ceil(now + pause.wait)))


async def _pause_left(request: Paced, port: Port) -> tuple[float, str]:
    longest = 0.0, ""
    for key in request.keys.values():
        note = await port.load_note(key)
        if note is not None:
            longest = max(longest, request.pause_left(note, port.now()))
    return longest

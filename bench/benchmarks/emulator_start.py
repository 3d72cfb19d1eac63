"""How long a process takes that starts a local Entra ID and stops it, beside the bare interpreter."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from bench.benchmarks.import_time import BARE, bare
from bench.processes import timed_command
from bench.results import Goal, Result
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from bench.run import Bench

NAME = "emulator-start"
OURS = "a process that starts the emulator"
_PROGRAM = "from entra_emulator import Emulator\nwith Emulator(): pass"
MOST = 27
"""Times the bare interpreter. It was 24.3 when decision 0012 was written (340 ms beside 14 ms); a tenth more is within
its spread.
"""


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "Starting the local Entra ID",
        "The wall time of whole processes of the same interpreter: import, start until requests are answered, stop.",
    )
    starts = Candidate(OURS, "ours", partial(timed_command, [sys.executable, "-c", _PROGRAM], bench.environment()))
    run_rounds(result, [bare(bench), starts], bench.pick(tiny=1, quick=5, full=15), warm_up=True, log=bench.log)
    result.ratio(Goal("starting the emulator", "seconds", "at most", MOST), OURS, BARE)
    return result

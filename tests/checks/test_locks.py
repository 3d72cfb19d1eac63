"""tools/check_locks.py finds locks that a fork would leave locked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "check_locks.py"


def checked(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TOOL), str(root)], capture_output=True, text=True, check=False)


def planted(root: Path, source: str, name: str = "planted.py") -> Path:
    """A tree with one module in the package mstoken."""
    package = root / "src" / "mstoken"
    package.mkdir(parents=True)
    (package / name).write_text(source)
    return root


def test_this_tree_makes_locks_in_forks_only() -> None:
    """What `make check` says of the code as it is."""
    done = checked(ROOT)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import threading\nlock = threading.Lock()\n", "Lock"),
        ("import threading as t\nlock = t.RLock()\n", "RLock"),
        ("from threading import Lock\nlock = Lock()\n", "Lock"),
        ("from threading import Lock as L\nlock = L()\n", "Lock"),
        ("from threading import Condition\nfreed = Condition()\n", "Condition"),
        ("from threading import Semaphore\nslots = Semaphore(2)\n", "Semaphore"),
        ("import _thread\nlock = _thread.allocate_lock()\n", "allocate_lock"),
        ("def f():\n    from multiprocessing import Lock\n    return Lock()\n", "Lock"),
        ("from collections import defaultdict\nfrom threading import Lock\nlocks = defaultdict(Lock)\n", "Lock"),
    ],
)
def test_a_lock_made_elsewhere_is_reported(tmp_path: Path, source: str, name: str) -> None:
    """However it was imported, in a function too, and as a factory."""
    done = checked(planted(tmp_path, source))
    assert done.returncode == 1
    assert f": {name} is made outside mstoken.forks" in done.stderr


@pytest.mark.parametrize(
    "source",
    [
        "from threading import Condition\ndef over(lock): return Condition(lock)\n",
        "import threading\nclass R(Base[threading.Lock]):\n    def f(self, x: threading.Lock) -> threading.Lock: ...\n",
        "import asyncio\nlock = asyncio.Lock()\n",
        "from threading import Event\ndone = Event()\n",
    ],
    ids=["a condition over a lock", "a type", "asyncio", "an event"],
)
def test_what_makes_no_lock_of_threads_passes(tmp_path: Path, source: str) -> None:
    """Types, conditions over a lock that exists, asyncio's locks and events."""
    done = checked(planted(tmp_path, source))
    assert (done.returncode, done.stderr) == (0, "")


def test_forks_makes_locks(tmp_path: Path) -> None:
    """The one file where the rule does not hold."""
    assert checked(planted(tmp_path, "from threading import Lock\nlock = Lock()\n", "forks.py")).returncode == 0

"""tools/check_exports.py finds names that only type checkers or only programs see."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "check_exports.py"
PRODUCT, EMULATOR = "src/mstoken/__init__.py", "src/entra_emulator/__init__.py"


def checked(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TOOL), str(root)], capture_output=True, text=True, check=False)


def test_the_names_of_this_tree_are_the_same_for_all() -> None:
    """What `make check` says of the code as it is."""
    done = checked(ROOT)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (PRODUCT, "        RefreshToken,\n", "", "mstoken: RefreshToken is in __all__ and not under TYPE_CHECKING"),
        (PRODUCT, '    "RefreshToken",\n', "", "mstoken: RefreshToken is under TYPE_CHECKING and not in __all__"),
        (PRODUCT, '    "stores.redis_stores",\n', "", "mstoken: redis_stores of __all__ cannot be imported"),
        (EMULATOR, "    from .emulator import Emulator\n", "", "Emulator is in __all__ and not under TYPE_CHECKING"),
        (EMULATOR, '"Emulator", "Logged', '"Logged', "Emulator is under TYPE_CHECKING and not in __all__"),
    ],
)
def test_a_name_that_is_missing_on_one_side_is_reported(
    tmp_path: Path, file: str, old: str, new: str, problem: str
) -> None:
    """Under TYPE_CHECKING, in `__all__`, or in the table of the modules that names are loaded from."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    done = checked(tmp_path)
    assert done.returncode == 1
    assert problem in done.stderr

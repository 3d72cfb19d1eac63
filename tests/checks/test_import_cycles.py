"""tools/check_imports.py finds import cycles, wherever the imports stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "check_imports.py"


def checked(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TOOL), str(root)], capture_output=True, text=True, check=False)


def planted(root: Path, **sources: str) -> Path:
    """A tree with the package mstoken of these modules."""
    package = root / "src" / "mstoken"
    package.mkdir(parents=True)
    for name, source in {"__init__": "", **sources}.items():
        (package / f"{name}.py").write_text(source)
    return root


def test_this_tree_has_no_cycle() -> None:
    """What `make check` says of the code as it is."""
    done = checked(ROOT)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "back",
    [
        "from mstoken.a import x\n",
        "import mstoken.a\n",
        "from . import a\n",
        "from mstoken import a\n",
        "def f():\n    from mstoken.a import x\n",
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from mstoken.a import x\n",
    ],
    ids=["module", "plain import", "relative", "from the package", "in a function", "under TYPE_CHECKING"],
)
def test_a_cycle_is_reported_with_file_and_line(tmp_path: Path, back: str) -> None:
    """The report names both imports, so that one of them can go."""
    done = checked(planted(tmp_path, a="from mstoken.b import y\nx = 1\n", b=f"y = 1\n{back}"))
    assert done.returncode == 1
    assert "import cycle of 2 modules: src/mstoken/a.py:1 imports mstoken.b; src/mstoken/b.py:" in done.stderr


def test_a_longer_cycle_is_reported_by_a_shortest_way_around(tmp_path: Path) -> None:
    """Three modules in a circle, a fourth that only uses them."""
    done = checked(
        planted(tmp_path, a="import mstoken.b", b="import mstoken.c", c="import mstoken.a", d="import mstoken.a")
    )
    assert "import cycle of 3 modules" in done.stderr
    assert "mstoken.d" not in done.stderr


def test_imports_in_one_direction_pass(tmp_path: Path) -> None:
    """Two ways to one module are no cycle."""
    done = checked(planted(tmp_path, a="import mstoken.b, mstoken.c", b="import mstoken.c", c=""))
    assert (done.returncode, done.stderr) == (0, "")

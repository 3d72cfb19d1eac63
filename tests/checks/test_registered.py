"""tools/check_registered.py finds what CONTRIBUTING.md tells you to add beside a new command, store, API and the like.

Each claim is tested on this tree, and on a copy with a file whose other half is missing.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tools.check_registered import ACCESS_TOKEN_STORE, EMULATOR, PRODUCT, REFRESH_TOKEN_STORE, problems

ROOT = Path(__file__).resolve().parents[2]
APP = "src/mstoken/cli/app.py"


def test_everything_has_its_other_half() -> None:
    """Commands are listed, stores and integrations are tested, APIs and grants are served."""
    assert problems(ROOT) == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The parts of the tree that the tool reads."""
    parts = [EMULATOR / "apis", EMULATOR / "grants", *(PRODUCT / name for name in ("cli", "stores", "integrations"))]
    for part in (*parts, Path("tests/mstoken/stores"), Path("tests/mstoken/integrations")):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / EMULATOR / "emulator.py", tmp_path / EMULATOR)
    assert problems(tmp_path) == []
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        (
            "src/mstoken/cli/tenants.py",
            '@command(short_help="Your tenants.")\ndef tenants() -> None: ...\n',
            "tenants:tenants is not in COMMANDS of cli/app.py",
        ),
        (
            "src/mstoken/stores/tape.py",
            "class TapeAccessTokens:\n" + "".join(f"    def {name}(self): ...\n" for name in ACCESS_TOKEN_STORE),
            "TapeAccessTokens is in no fixture of tests/mstoken/stores/conftest.py",
        ),
        (
            "src/mstoken/stores/tape.py",
            "class TapeRefreshTokens:\n" + "".join(f"    def {name}(self): ...\n" for name in REFRESH_TOKEN_STORE),
            "TapeRefreshTokens is in no fixture of tests/mstoken/stores/conftest.py",
        ),
        (
            "src/entra_emulator/apis/storage/__init__.py",
            "def routes(): ...\n",
            "the routes of apis/storage/__init__.py are not served by emulator.py",
        ),
        (
            "src/entra_emulator/grants/ticket.py",
            "def token_response(exchange): ...\n",
            "grants/ticket.py is not in GRANTS of grants/__init__.py",
        ),
        ("src/mstoken/integrations/helm.py", "", "tests/mstoken/integrations/test_helm.py is missing"),
    ],
)
def test_a_missing_half_is_reported(copy: Path, file: str, text: str, problem: str) -> None:
    """An unlisted command, an untested store or integration, an API or a grant that is not served."""
    (copy / file).parent.mkdir(parents=True, exist_ok=True)
    (copy / file).write_text(text, encoding="utf-8")
    assert problems(copy) == [problem]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('("cache", "keepalive")', '("cache",)', "keepalive is in 0 sections of SECTIONS of cli/app.py, not in one"),
        ('("config",)', '("config", "get")', "get is in 2 sections of SECTIONS of cli/app.py, not in one"),
        ('("config",)', '("config", "tenants")', "tenants of SECTIONS is not in COMMANDS of cli/app.py"),
    ],
)
def test_a_command_is_in_one_section(copy: Path, old: str, new: str, problem: str) -> None:
    """The help and docs/cli.md show what is in a section, and nothing else."""
    text = (copy / APP).read_text(encoding="utf-8")
    assert old in text
    (copy / APP).write_text(text.replace(old, new), encoding="utf-8")
    assert problems(copy) == [problem]

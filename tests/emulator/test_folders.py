"""What a killed emulator leaves behind is removed by the next one; what is alive, foreign or in doubt stays."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from entra_emulator import Emulator, folders, running
from entra_emulator.folders import PREFIX, PrivateFolder, is_dead, remove_dead

OWNER = """
import sys, tempfile
from entra_emulator import Emulator, folders
folders.MEMORY = tempfile.tempdir = sys.argv[1]
"""
EMULATOR = f"""{OWNER}
with Emulator() as entra, entra.machine():
    entra.announce()
    print(entra.ca_file.parent, flush=True)
    sys.stdin.read()
"""
FORKING = f"""{OWNER}
import os
folder = folders.PrivateFolder()
if os.fork():
    print(folder.name, flush=True)
sys.stdin.read()
os._exit(0)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the emulators of a test put their folders."""
    monkeypatch.setattr(folders, "MEMORY", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


class Owner:
    """A process that has folders and waits for the end of its input."""

    def __init__(self, program: str, place: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.folder = Path(self.process.stdout.readline().strip())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def owner(place: Path) -> Iterator[Owner]:
    made = Owner(EMULATOR, place)
    yield made
    made.end()


def test_the_next_emulator_removes_the_folder_of_a_killed_one(place: Path, owner: Owner) -> None:
    """All of it: the emulator's own folder with its secrets, and that of its machine with Azure Arc's keys."""
    assert len(list(place.iterdir())) == 2
    owner.kill()
    assert len(list(place.iterdir())) == 2
    with Emulator() as entra:
        assert list(place.iterdir()) == [entra.ca_file.parent]
    assert list(place.iterdir()) == []


def test_the_folder_of_a_running_emulator_stays(place: Path, owner: Owner) -> None:
    """Others start and end meanwhile; it still serves, and can be found."""
    with Emulator():
        pass
    assert running.find().environment["ENTRA_EMULATOR_ADMIN_KEY"]
    assert (owner.folder / "ca.pem").exists()
    assert not is_dead(owner.folder)


def test_a_killed_emulator_is_not_found(place: Path, owner: Owner) -> None:
    """Its note is still there, and another program may listen on its port by now: nobody is sent there."""
    owner.kill()
    assert (owner.folder / running.NOTE).exists()
    with pytest.raises(running.NotFound):
        running.find()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_keeps_the_folder(place: Path) -> None:
    """A child that outlives its killed parent may still use it; once the child has ended too, the folder is dead."""
    parent = Owner(FORKING, place)
    parent.kill()
    assert not is_dead(parent.folder)
    parent.process.communicate()  # its end of input ends the child
    assert is_dead(parent.folder)


def dead(place: Path) -> Path:
    """The folder of an owner that is gone, as a kill leaves it."""
    folder = PrivateFolder()
    left = Path(f"{folder.name}-left")
    shutil.copytree(folder.name, left)
    folder.cleanup()
    return left


def test_an_abandoned_folder_is_removed_with_its_content(place: Path) -> None:
    """Folders within it too."""
    left = dead(place)
    (left / "cache" / "vault").mkdir(parents=True)
    (left / "cache" / "vault" / "vault.db").write_text("x")
    remove_dead()
    assert not left.exists()


def open_to_others(left: Path) -> None:
    left.chmod(0o755)


def of_another_program(left: Path) -> None:
    (left / "owner").write_text("4711")


def without_owner(left: Path) -> None:
    (left / "owner").unlink()


def owner_is_a_link(left: Path) -> None:
    (left / "owner").rename(left / "real")
    (left / "owner").symlink_to(left / "real")


def owner_is_a_folder(left: Path) -> None:
    (left / "owner").unlink()
    (left / "owner").mkdir()


def owner_is_a_pipe(left: Path) -> None:
    (left / "owner").unlink()
    os.mkfifo(left / "owner", 0o600)


def of_another_user(left: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(left, 12345, 12345)


def owner_of_another_user(left: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(left / "owner", 12345, 12345)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners and modes here")
@pytest.mark.parametrize(
    "change",
    [
        open_to_others,
        of_another_program,
        without_owner,
        owner_is_a_link,
        owner_is_a_folder,
        owner_is_a_pipe,
        of_another_user,
        owner_of_another_user,
    ],
)
def test_a_folder_that_may_be_in_use_stays(place: Path, change: Callable[[Path], None]) -> None:
    """A folder that is not surely ours and dead is left alone, and is no reason to fail."""
    left = dead(place)
    change(left)
    remove_dead()
    assert left.exists()
    assert not is_dead(left)


def test_a_link_is_not_followed(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A link with an emulator's name leads to something else: neither goes."""
    real = tmp_path_factory.mktemp("elsewhere") / "real"
    dead(place).rename(real)
    link = place / f"{PREFIX}link"
    link.symlink_to(real)
    remove_dead()
    assert link.is_symlink()
    assert real.exists()


def test_a_folder_with_another_name_stays(place: Path) -> None:
    """Only names that begin as emulators' folders do are looked at."""
    other = place / "somebody-elses"
    dead(place).rename(other)
    remove_dead()
    assert other.exists()


def test_a_folder_under_creation_stays(place: Path) -> None:
    """Before the owner's file has its name the folder is not marked, and so not dead."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    (folder / "owner.new").write_bytes(folders._MARK)
    remove_dead()
    assert folder.exists()

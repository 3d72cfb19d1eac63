"""`mstoken powershell`: the PowerShell module MsToken."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from mstoken.cli import output
from mstoken.cli.command import command
from mstoken.cli.session_requests import NAMES, PREFIXES
from mstoken.errors import StoreError

SOURCE = Path(__file__).parent.parent / "powershell"
"""The module's files, as they are in the wheel."""

NAME = "MsToken"
RECORD = "MsToken.program.txt"
"""The file beside the manifest that names the Python whose mstoken the module starts: program, arguments, variables."""


@command(short_help="Print the path of the PowerShell module, or install it.")
@click.option("--install", is_flag=True, help="Copy the module to where PowerShell finds modules.")
def powershell(install: bool) -> None:
    """Print the path of the manifest of MsToken, the module for PowerShell 7.4 and Windows PowerShell 5.1.

    The module starts the mstoken that printed the path or installed it, never another one. After an upgrade of
    mstoken, install the module again.

    \b
      Import-Module (mstoken powershell)
      mstoken powershell --install
    """
    if not install:
        output.write(str(_own_copy() / f"{NAME}.psd1"))
        return
    from mstoken import __version__

    for folder in module_folders():
        target = folder / NAME / __version__
        _replace(target, _files())
        output.message(f"Installed the module in {target}.")
    output.message(f"Next, in PowerShell: Import-Module {NAME}")


def module_folders() -> list[Path]:
    """Return where PowerShell looks for the user's modules: learn.microsoft.com/powershell/module/
    microsoft.powershell.core/about/about_psmodulepath. Raises StoreError for a user without a home.
    """
    if sys.platform == "win32":
        from platformdirs import user_documents_path

        documents = user_documents_path()
        return [documents / edition / "Modules" for edition in ("PowerShell", "WindowsPowerShell")]
    data = os.environ.get("XDG_DATA_HOME", "")
    if data.startswith("/"):
        return [Path(data, "powershell", "Modules")]
    try:
        return [Path.home() / ".local" / "share" / "powershell" / "Modules"]
    except RuntimeError:
        raise StoreError("This user has no home folder, so no module can be installed.", "Set HOME.") from None


def _files() -> dict[str, bytes]:
    """Return the module's files by name, including the file that records this Python."""
    from mstoken import __version__

    files = {path.name: path.read_bytes() for path in sorted(SOURCE.iterdir()) if path.suffix.startswith(".ps")}
    # -P: without it, Python would load a mstoken.py in the current folder (docs.python.org/3/using/cmdline.html).
    variables = "|".join([*(f"{name}$" for name in NAMES), *PREFIXES])
    record = [sys.executable, "-P -m mstoken", f"^(?:{variables})", f"mstoken {__version__}"]
    return {**files, RECORD: "\n".join(record).encode()}


def _own_copy() -> Path:
    """Return the folder of a copy for this version and this Python: a folder of the wheel may not be writable."""
    from mstoken.fingerprints import fingerprint_of_parts
    from mstoken.stores.user_folders import make_private, vault_folder

    files = _files()
    mark = fingerprint_of_parts(*files, *(content.decode() for content in files.values()))
    above = Path(vault_folder() or ".", "powershell", mark[:16])
    make_private(str(above) if vault_folder() else "")
    target = above / NAME
    if not _holds(target, files):
        _replace(target, files)
    return target


def _holds(folder: Path, files: dict[str, bytes]) -> bool:
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def _replace(target: Path, files: dict[str, bytes]) -> None:
    """Write the files as a new folder, and put it in the place of `target`. Raises StoreError."""
    draft = target.with_name(f".{target.name}.{os.urandom(6).hex()}.tmp")
    try:
        draft.mkdir(parents=True)
        for name, content in files.items():
            (draft / name).write_bytes(content)
        if target.exists():
            shutil.rmtree(target)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StoreError(
            f"The module cannot be written to {target}: {error.strerror}.", "Check the folder's permissions."
        ) from None

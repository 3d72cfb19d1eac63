"""Build the wheel, install it as a user would, and use it: first with no extras, then with all of them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "requirements" / "dev.txt"

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
import mstoken
assert "site-packages" in mstoken.__file__, mstoken.__file__
for name in mstoken.__all__:
    getattr(mstoken, name)
for module in pkgutil.walk_packages(mstoken.__path__, "mstoken."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
client = mstoken.Client("contoso.com", "app", mstoken.ClientSecret("s"))
assert client.token_request("graph").scopes == ("https://graph.microsoft.com/.default",)
absent = [name for name in ("starlette", "uvicorn", "joserfc", "keyring", "httpx", "requests") if name in sys.modules]
assert not absent, absent
"""


def run(*command: str | Path, expect: int = 0) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=ROOT.anchor)
    if done.returncode != expect:
        sys.exit(f"{' '.join(map(str, command))}\ngave {done.returncode}, not {expect}\n{done.stdout}{done.stderr}")
    return done.stdout


def install(folder: Path, wheel: Path, extras: str) -> Path:
    """A new environment with nothing but the wheel and what it asks for, at the pinned versions."""
    venv.create(folder, with_pip=True)
    bin_folder = folder / ("Scripts" if sys.platform == "win32" else "bin")
    constraints = folder / "constraints.txt"
    lines = PINS.read_text(encoding="utf-8").splitlines()
    pins = [line.rstrip("\\").strip() for line in lines if line[:1].isalnum()]
    constraints.write_text("\n".join(pins), encoding="utf-8")
    run(bin_folder / "python", "-m", "pip", "install", "-q", "-c", constraints, f"{wheel}{extras}")
    return bin_folder


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mstoken-wheel-") as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", ROOT)
        [wheel] = (folder / "dist").glob("*.whl")

        bare = install(folder / "bare", wheel, "")
        run(bare / "python", "-c", IMPORT_EVERYTHING)
        run(bare / "mstoken", "services", "graph")
        run(bare / "mstoken", "explain", "50076")
        run(bare / "mstoken", "emulator", expect=2)  # says which extra it needs
        print("wheel, no extras: imports, lists services, explains codes")

        full = install(folder / "full", wheel, "[all]")
        token = run(full / "mstoken", "emulator", "--", full / "mstoken", "get", "graph")
        if token.count(".") != 2 or len(token.split()) != 1:
            sys.exit("the installed wheel did not print one token and nothing else")
        print("wheel, all extras: one token from its own emulator")


if __name__ == "__main__":
    main()

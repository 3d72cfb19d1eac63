"""Build the wheel, install it as a user would, and use it: first with no extras, then with all of them.

With all of them, the README's examples run in an empty folder and an empty home, as a new user types them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.doc_examples import examples_of, problem  # noqa: E402
from tests.support.pwsh import PWSH  # noqa: E402

PINS = ROOT / "requirements" / "dev.txt"

NAMED_IN_THE_README = ("azure-mgmt-resource-subscriptions",)
"""What an example says it needs beside mstoken[all]."""

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


def run_readme(python: Path, folder: Path) -> int:
    """Run every example of the README with the installed wheel, and return how many there are."""
    run(python, "-m", "pip", "install", "-q", "-c", python.parents[1] / "constraints.txt", *NAMED_IN_THE_README)
    home = folder / "home"
    home.mkdir()
    os.environ.update({"HOME": str(home), "USERPROFILE": str(home), "XDG_CONFIG_HOME": str(home / ".config")})
    examples = [one for one in examples_of(ROOT / "README.md") if one.language != "powershell" or PWSH]
    for number, example in enumerate(examples):
        place = folder / str(number)
        place.mkdir()
        if wrong := problem(example, place, str(python)):
            sys.exit(f"{example.id}, run from the wheel: {wrong}")
    return len(examples)


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
        print(f"wheel, all extras: {run_readme(full / 'python', folder)} examples of the README")


if __name__ == "__main__":
    main()

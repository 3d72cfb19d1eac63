"""Install the programs that the tests use and pip cannot install, or print the command that does.

With APT on Debian and Ubuntu; with Homebrew on macOS, but only if CI is set. On your own machine you decide.
On macOS and Windows the tests that need a missing program are skipped (tests/support/programs.py); on Linux nothing is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NEEDED = {
    "npm": "npm",  # for the OAuth server that is not ours, in tests/node
    "node": "nodejs",
    "dbus-run-session": "dbus",  # for a real Secret Service, the OS keyring of Linux
    "gnome-keyring-daemon": "gnome-keyring",
    "softhsm2-util": "softhsm2",  # a PKCS#11 token in software, for keys that never leave their store
    "chromium": "chromium",  # for pages, and for applications that live in them
    "chromedriver": "chromium-driver",
    "redis-server": "redis-server",
    "pg_ctlcluster": "postgresql",  # a server that asks a directory about the tokens
    "git": "git",  # clones and pushes with our credential helper
    "kubectl": "kubernetes-client",  # starts our exec plugin
    "docker-registry": "docker-registry",  # a registry that validates tokens, and a client that starts our helper
    "skopeo": "skopeo",
    "dovecot": "dovecot-imapd dovecot-pop3d",  # mail servers that validate tokens, and the programs that read and send
    "msmtp": "msmtp",
    "mutt": "mutt",
    "mbsync": "isync libsasl2-modules-kdexoauth2",
    "/usr/lib/git-core/git-send-email": "git-email libmailtools-perl",
    "zsh": "zsh",  # two of the three shells that complete our commands; bash is there
    "fish": "fish",
    "jq": "jq",  # for the examples of the docs
}

IN_HOMEBREW = {
    "npm": "node",
    "jq": "jq",
    "redis-server": "redis",
    "softhsm2-util": "softhsm",
    "fish": "fish",
    "kubectl": "kubernetes-cli",
}


def elsewhere() -> int:
    """On macOS and Windows: install what can be, name what is missing."""
    missing = {program for program in NEEDED if not shutil.which(program)}
    formulas = sorted({IN_HOMEBREW[program] for program in missing & set(IN_HOMEBREW)})
    if sys.platform == "darwin" and os.environ.get("CI") and shutil.which("brew") and formulas:
        return subprocess.run(["brew", "install", "--quiet", *formulas], check=False).returncode
    if missing:
        print(f"not on this machine, so the tests that need them are skipped: {', '.join(sorted(missing))}")
    return 0


def main() -> int:
    if sys.platform in {"darwin", "win32"}:
        return elsewhere()
    missing = sorted(
        {package for program, packages in NEEDED.items() if not shutil.which(program) for package in packages.split()}
    )
    if not missing:
        return 0
    command = f"apt-get install -y {' '.join(missing)}"
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"The tests need programs that are not here. On Debian or Ubuntu, as root: {command}", file=sys.stderr)
        return 1
    print(f"setting up: {command}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
    ):
        done = subprocess.run(step, env=environment, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())

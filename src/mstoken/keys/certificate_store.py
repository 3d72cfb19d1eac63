"""Certificates of the user's and the machine's store My, by thumbprint. PowerShell finds them and signs.

    key = StoreKey("6D5CE0FA7A2F0A4D6B2E8A1C3F9B7D5E1A0C4B92")
    Client(tenant, client_id, ClientKey(key, key.certificate))

The private key stays in the store. On Windows, Windows PowerShell is part of the system. Elsewhere .NET keeps the
user's store below the home folder, and pwsh has to be on PATH.
Source: learn.microsoft.com/dotnet/standard/security/cross-platform-cryptography, X509Store.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from mstoken.errors import UsageError
from mstoken.typed import Any
from mstoken.values import value

_SCRIPT = Path(__file__).parent.parent / "powershell" / "StoreKey.ps1"
_WINDOWS_POWERSHELL = ("System32", "WindowsPowerShell", "v1.0", "powershell.exe")
_TIMEOUT_IN = 60
"""Seconds. A key that asks a person, such as a smart card's, needs some."""


@value
class StoreKey:
    """A certificate with its private key, named by its `thumbprint`: the SHA-1 digest of the certificate, in hex.

    Callable as `ClientKey`'s `sign`. Each call starts a PowerShell, which takes about half a second.
    """

    thumbprint: str

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9A-Fa-f]{40}", self.thumbprint):
            raise UsageError(
                "The thumbprint of the certificate is not 40 hexadecimal digits.",
                "Copy it from: Get-ChildItem Cert:\\CurrentUser\\My, Cert:\\LocalMachine\\My",
            )

    def __call__(self, data: bytes, algorithm: str) -> bytes:
        """Return the signature of `data` by the store's key. Blocks. Raises UsageError with what the store says."""
        answer = self._run({"data": base64.b64encode(data).decode(), "algorithm": algorithm})
        if not answer.get("signature"):
            raise UsageError("The key of the certificate in the store cannot sign.", "Use an RSA key that you may use.")
        return _decoded(answer, "signature")

    def certificate(self) -> bytes:
        """Return the certificate, DER. Blocks. Raises UsageError if there is none with a private key."""
        return _decoded(self._run({}), "certificate")

    def _run(self, request: dict[str, str]) -> dict[str, Any]:
        program = _powershell()
        request_line = json.dumps({"thumbprint": self.thumbprint, **request})
        policy = ("-ExecutionPolicy", "Bypass") if sys.platform == "win32" else ()
        try:
            done = subprocess.run(  # noqa: S603 - an absolute path, a script of ours
                [program, "-NoProfile", "-NonInteractive", *policy, "-File", str(_SCRIPT)],
                input=request_line.encode() + b"\n",
                capture_output=True,
                timeout=_TIMEOUT_IN,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = getattr(error, "strerror", None) or f"it takes longer than {_TIMEOUT_IN} seconds"
            raise UsageError(f"PowerShell cannot read the certificate store: {reason}.", _OTHER_WAY) from None
        answer = _answer(done.stdout)
        if answer is None:
            raise UsageError(f"PowerShell cannot read the certificate store (exit code {done.returncode}).", _OTHER_WAY)
        if "message" in answer:
            raise UsageError(str(answer["message"]), str(answer.get("remedy") or _OTHER_WAY))
        return answer


_OTHER_WAY = 'Try it by hand, or export the certificate with its key and name the file: client_certificate = "app.pfx"'


def _powershell() -> str:
    """Return the path of PowerShell: of Windows' own, else of the one on PATH. Raises UsageError if there is none."""
    if sys.platform == "win32":
        return str(Path(os.environ.get("SYSTEMROOT", "C:\\Windows"), *_WINDOWS_POWERSHELL))
    found = shutil.which("pwsh")
    if not found:
        raise UsageError("A certificate of the store needs PowerShell, and there is no pwsh on PATH.", _OTHER_WAY)
    return str(Path(found).absolute())


def _answer(printed: bytes) -> dict[str, Any] | None:
    """Return the object that the script prints: JSON in base64, which no code page changes; None for anything else."""
    try:
        answer = json.loads(base64.b64decode(printed.strip(), validate=True))
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _decoded(answer: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(str(answer.get(name) or ""), validate=True)
    except ValueError:
        return b""

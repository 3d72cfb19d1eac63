"""Hand a token to later steps of a GitHub Actions job: mask it in the log, then append it to the runner's file.

Source: docs.github.com/actions/reference/workflows-and-actions/workflow-commands (add-mask, environment files).
"""

from __future__ import annotations

import os

from mstoken.cli import output
from mstoken.errors import UsageError

FILES = {"github-env": "GITHUB_ENV", "github-output": "GITHUB_OUTPUT"}
"""Output format -> the variable with the path of the file to which the runner reads settings from later."""


def check(form: str) -> None:
    """Raise UsageError outside a job of GitHub Actions; for other formats, do nothing."""
    variable = FILES.get(form)
    if variable and not os.environ.get(variable):
        raise UsageError(
            f"{variable} is not set: this is not a step of GitHub Actions.",
            "Elsewhere, use -o env, -o powershell or -o dotenv.",
        )


def export_token(form: str, name: str, token: str) -> None:
    """Mask the token in the job's log, then append `name=token` to the runner's file.

    Raises UsageError if the file cannot be written.
    """
    output.write(f"::add-mask::{token}")
    path = os.environ[FILES[form]]
    try:
        with open(path, "a+b") as file:  # noqa: PTH123 - the path is the runner's
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 1, 0))
            start = b"" if file.read(1) in {b"", b"\n"} else b"\n"  # an earlier step's last line may lack its end
            file.write(start + f"{name}={token}\n".encode())
    except OSError as error:
        raise UsageError(
            f"The file that {FILES[form]} names cannot be written: {error.strerror}.", "Run this in a step of the job."
        ) from None

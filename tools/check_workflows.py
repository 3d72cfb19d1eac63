"""Check the files in .github: their schemas, pinned actions, declared permissions, and only make targets that exist.

The workflows cannot run here, so what can be known without running them is checked. The schemas come with
check-jsonschema; nothing is downloaded.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema.validators import validator_for
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = {
    "vendor.github-workflows": "workflows/*.yml",
    "custom.github-workflows-require-timeout": "workflows/*.yml",
    "vendor.github-issue-forms": "ISSUE_TEMPLATE/[!c]*.yml",
    "vendor.github-issue-config": "ISSUE_TEMPLATE/config.yml",
    "vendor.dependabot": "dependabot.yml",
}
PINNED = re.compile(r"^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
USES = re.compile(r"^\s*(?:- )?uses: (?!\./)(.+)$", re.MULTILINE)
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)
MAKE = re.compile(r"\bmake ([a-z]+)")


def schema_problems(folder: Path) -> list[str]:
    """What the schemas of GitHub's files say."""
    problems = []
    for name, pattern in SCHEMAS.items():
        schema = get_builtin_schema(name)
        validator = validator_for(schema)(schema)
        for path in sorted(folder.glob(pattern)):
            errors = validator.iter_errors(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
            problems += [f"{path.name}: {error.json_path}: {error.message[:200]}" for error in errors]
    return problems


def workflow_problems(name: str, text: str, targets: set[str]) -> list[str]:
    """What is wrong with one workflow beyond its schema, one sentence each."""
    workflow: dict[str, Any] = YAML(typ="safe").load(text)
    problems = [
        f"{name}: pin the action by commit, with its version: uses: OWNER/NAME@COMMIT # v1.2.3, not {used}"
        for used in USES.findall(text)
        if not PINNED.match(used)
    ]
    if workflow.get("permissions") not in ({}, {"contents": "read"}):
        problems.append(f"{name}: its permissions are not {{}} or contents: read; a job may ask for more")
    commands = [step["run"] for job in workflow["jobs"].values() for step in job.get("steps", []) if "run" in step]
    for command in commands:
        problems += [f"{name}: no make target '{used}'" for used in MAKE.findall(command) if used not in targets]
    return problems


def problems(folder: Path, makefile: str) -> list[str]:
    """Everything wrong with the files in `folder`."""
    targets = set(TARGET.findall(makefile))
    found = schema_problems(folder)
    for path in sorted((folder / "workflows").glob("*.yml")):
        found += workflow_problems(path.name, path.read_text(encoding="utf-8"), targets)
    return found


def main() -> int:
    found = problems(ROOT / ".github", (ROOT / "Makefile").read_text(encoding="utf-8"))
    print(
        "\n".join(found) or "workflows: valid, pinned, with least permissions, and their make targets exist",
        file=sys.stderr if found else sys.stdout,
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

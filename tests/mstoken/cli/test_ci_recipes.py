"""The recipes of docs/ci.md and containers/: valid by the platform's schema, their commands run beside the emulator.

The platforms themselves do not run here; a test plays the runner, with the environment that its documentation names.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema.validators import validator_for
from ruamel.yaml import YAML
from tests.support.oidc_issuer import OidcIssuer
from tests.support.program import MSTOKEN, Program

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
ORGANIZATION = '"@odata.context"'
CONTAINERS = ROOT / "containers"
OTHERS = "Several emulators of yours run"


def recipe(heading: str, language: str, number: int = 0) -> str:
    """A block under a heading of the page."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return blocks[number]


def valid(text: str, schema_name: str) -> dict[str, Any]:
    """The YAML document, which the platform's schema accepts."""
    document: dict[str, Any] = YAML(typ="safe").load(text)
    schema = get_builtin_schema(f"vendor.{schema_name}")
    assert [error.message[:200] for error in validator_for(schema)(schema).iter_errors(document)] == []
    return document


def bash(command: str, environment: dict[str, str], folder: Path) -> str:
    """Run a step as runners do, and return what it printed."""
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        env={**environment, "PATH": f"{Path(MSTOKEN).parent}:{os.environ['PATH']}"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def job(at_entra: Program, issuer: OidcIssuer) -> dict[str, str]:
    """The environment of a job without a secret, whose platform's tokens the application trusts."""
    environment = {**at_entra.environment, "ISSUER": issuer.url}
    del environment["AZURE_CLIENT_SECRET"]
    return environment


def test_github_actions(job: dict[str, str], issuer: OidcIssuer, tmp_path: Path) -> None:
    """The token is masked, a later step has it in its variable, and the last step calls the API by itself."""
    document = valid(recipe("GitHub Actions", "yaml"), "github-workflows")
    report = document["jobs"]["report"]
    assert report["permissions"] == {"id-token": "write"}
    install, *steps = [step["run"] for step in report["steps"]]
    assert install == "pipx install mstoken"
    file = tmp_path / "github-env"
    environment = {**job, **issuer.github(), "GITHUB_ENV": str(file)}
    printed = []
    for step in steps:
        printed.append(bash(step, environment, tmp_path))
        environment |= dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert printed[0] == f"::add-mask::{environment['GRAPH_TOKEN']}\n"
    assert all(ORGANIZATION in text for text in printed[1:])


def test_azure_pipelines(job: dict[str, str], issuer: OidcIssuer, tmp_path: Path) -> None:
    """The profile of the repository and the service connection of the task are enough."""
    document = valid(recipe("Azure Pipelines", "yaml"), "azure-pipelines")
    task = document["steps"][1]
    config = tmp_path / ".mstoken"
    config.mkdir(mode=0o700)
    profile = recipe("Azure Pipelines", "toml")
    for name, variable in (("TENANT_ID", "AZURE_TENANT_ID"), ("CLIENT_ID", "AZURE_CLIENT_ID")):
        profile = profile.replace(f'"{name}"', f'"{job.pop(variable)}"')
    (config / "config.toml").write_text(profile)
    (config / "config.toml").chmod(0o600)
    given = {**issuer.pipelines(), "BUILD": str(tmp_path)}
    assert set(task["env"]) == {"SYSTEM_ACCESSTOKEN", "MSTOKEN_CONFIG_DIR"}
    given["MSTOKEN_CONFIG_DIR"] = task["env"]["MSTOKEN_CONFIG_DIR"].replace("$(Build.SourcesDirectory)", str(tmp_path))
    assert ORGANIZATION in bash(task["inputs"]["inlineScript"], {**job, **given}, tmp_path)


def test_gitlab(job: dict[str, str], issuer: OidcIssuer, tmp_path: Path) -> None:
    """The job's token is written to a file that only the job can read, and mstoken presents it."""
    report = valid(recipe("GitLab", "yaml"), "gitlab-ci")["report"]
    [(variable, wanted)] = report["id_tokens"].items()
    file = tmp_path / "oidc-token"
    [named] = report["variables"]
    given = {variable: issuer.token(wanted["aud"]), named: str(file)}
    printed = [bash(command, {**job, **given}, tmp_path) for command in report["script"]]
    assert file.stat().st_mode & 0o777 == 0o600
    assert ORGANIZATION in printed[-1]


def test_cron(at_entra: Program) -> None:
    """The command of the crontab succeeds and, with nothing due, prints nothing that cron would mail."""
    *when, command = recipe("cron", "crontab").split(None, 5)
    assert len(when) == 5
    done = at_entra(*shlex.split(command)[1:])
    assert (done.code, done.out, done.err) == (0, "", "")


def test_systemd(at_entra: Program, tmp_path: Path) -> None:
    """systemd accepts the units, where it is installed, and the command of the service succeeds."""
    units = {"keepalive.service": 0, "keepalive.timer": 1}
    for name, number in units.items():
        (tmp_path / name).write_text(recipe("systemd timer", "ini", number))
    unit = configparser.RawConfigParser()
    unit.read(tmp_path / "keepalive.service")
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert program == "%h/.local/bin/mstoken"
    assert at_entra(*arguments).code == 0
    verify = shutil.which("systemd-analyze")
    if verify:
        text = (tmp_path / "keepalive.service").read_text().replace(program, str(MSTOKEN))
        (tmp_path / "keepalive.service").write_text(text)
        command = [verify, "verify", "--man=no", *(str(tmp_path / name) for name in units)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not [line for line in done.stderr.splitlines() if str(tmp_path) in line], done.stderr


def test_kubernetes(job: dict[str, str], issuer: OidcIssuer, tmp_path: Path) -> None:
    """The pod's label asks for the webhook, whose variables and token file are all that the container needs."""
    document: dict[str, Any] = YAML(typ="safe").load(recipe("Kubernetes", "yaml"))
    pod = document["spec"]["jobTemplate"]["spec"]["template"]
    assert pod["metadata"]["labels"] == {"azure.workload.identity/use": "true"}
    file = tmp_path / "azure-identity-token"
    file.write_text(issuer.token())
    command = shlex.join(["mstoken", *pod["spec"]["containers"][0]["args"]])
    given = {"AZURE_FEDERATED_TOKEN_FILE": str(file)}
    assert ORGANIZATION in bash(command, {**job, **given}, tmp_path)


@pytest.mark.parametrize("name", ["tool.Dockerfile", "emulator.Dockerfile"])
def test_a_dockerfile_installs_this_package_and_runs_as_no_root(name: str) -> None:
    """What it installs is an extra that exists; it has no shell form and no root at run time; hadolint agrees."""
    text = (CONTAINERS / name).read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [extras] = re.findall(r"pip install --no-cache-dir '\.\[([a-z,]+)\]'", text)
    assert all(f"\n{extra} = [" in project for extra in extras.split(","))
    assert text.index("USER 10001") < text.index("ENTRYPOINT [")
    lint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if lint is None:
        pytest.skip("hadolint is not installed; PyPI has it for Linux on x86-64")
    done = subprocess.run([lint, str(CONTAINERS / name)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def test_the_composed_application_waits_for_a_healthy_emulator_and_calls_it(tmp_path: Path) -> None:
    """The image's own entry point, health check and the application's command, in one network and one /dev/shm."""
    services = valid((CONTAINERS / "compose.yaml").read_text(encoding="utf-8"), "compose-spec")["services"]
    app = services["app"]
    assert (app["network_mode"], app["ipc"]) == ("service:entra", "service:entra")
    image = (CONTAINERS / "emulator.Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    health, start = (json.loads(re.findall(rf"{word} (\[.*\])", image)[0]) for word in ("CMD", "ENTRYPOINT"))
    path = f"{Path(MSTOKEN).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}

    def run_it(command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run it again while an emulator of another test runs: a composed one has a /dev/shm of its own."""
        until = time.monotonic() + 120
        while True:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if OTHERS not in done.stdout + done.stderr or time.monotonic() > until:
                return done
            time.sleep(0.2)

    with running([*start, "--port", "0"], environment):
        until = time.monotonic() + 60
        while run_it(health).returncode:
            assert time.monotonic() < until, "it never became healthy"
            time.sleep(0.2)
        done = run_it([*app["entrypoint"], *(part.replace("$$", "$") for part in app["command"])])
    assert (done.returncode, done.stderr) == (0, "")
    assert ORGANIZATION in done.stdout

"""`mstoken kube`: kubectl's exec plugin, and the conversion of kubeconfigs made for kubelogin."""

from __future__ import annotations

import os
import subprocess

import click

from mstoken.cli import output
from mstoken.cli.command import Command, debug_option
from mstoken.cli.identity import identity_options
from mstoken.cli.options import IdentityArguments
from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mstoken.integrations.kubernetes import Converted


@click.group(short_help="Give kubectl a token for AKS.")
def kube() -> None:
    """Tokens for kubectl, and kubeconfigs made for kubelogin.

    \b
      mstoken kube convert
      mstoken kube token
    """


kube.params.append(debug_option())


@kube.command(cls=Command, short_help="Print a token as kubectl's exec plugin.")
@click.option("--server-id", default="", metavar="ID", help="The cluster's server application; AKS' own by default.")
@click.option(
    "--pop", default="", metavar="ID", help="Sign the token for the cluster with this resource ID (Azure Arc)."
)
@identity_options
def token(server_id: str, pop: str, **arguments: str) -> None:
    """Print an ExecCredential with an access token; kubectl starts this command itself.

    Its version is the one that kubectl asks for: v1, or v1beta1 of older versions.

    \b
      kubectl config set-credentials aks --exec-api-version=client.authentication.k8s.io/v1 \\
        --exec-command=mstoken --exec-arg=kube --exec-arg=token --exec-interactive-mode=Never
    """
    from mstoken.cli.tool_client import tool_client
    from mstoken.integrations import kubernetes

    version = kubernetes.requested_version(os.environ.get(kubernetes.INFO, ""))
    with tool_client(IdentityArguments(**arguments).flags()) as tool:
        scope = f"{server_id.rstrip('/')}/.default" if server_id else "arc-k8s" if pop else "aks"
        got = tool.client.pop_token(scope, url=pop) if pop else tool.get_token(scope)
    output.write_json(kubernetes.exec_credential(got, version))


@kube.command(cls=Command, short_help="Rewrite a kubeconfig made for kubelogin.")
@click.option("--kubeconfig", default="", metavar="FILE", help="The file; by default KUBECONFIG, or ~/.kube/config.")
@click.option("--context", default="", metavar="NAME", help="Convert the user of this context only.")
@click.option("--profile", default="aks", metavar="NAME", help="Profile of a person who signs in; aks by default.")
def convert(kubeconfig: str, context: str, profile: str) -> None:
    """Rewrite a kubeconfig: what kubectl started kubelogin for, `mstoken kube token` then does.

    kubectl reads and writes the file. A login or an option of kubelogin without a counterpart is refused by name, and
    the file stays as it was. A person signs in once, with the command that this one prints.

    \b
      az aks get-credentials --resource-group GROUP --name CLUSTER --format exec
      mstoken kube convert
    """
    from pathlib import Path

    from mstoken.integrations import kubernetes

    path = Path(kubeconfig or os.environ.get("KUBECONFIG", "") or Path.home() / ".kube" / "config")
    if os.pathsep in str(path):
        raise UsageError("KUBECONFIG names several files.", "Name one: --kubeconfig FILE")
    config = _read(path)
    chosen = _users(config, context)
    users = [one for one in config.get("users") or () if chosen is None or one["name"] == chosen]
    found = [one for one in users if kubernetes.is_kubelogin(one.get("user") or {})]
    if not found:
        output.message(f"No user in {path} signs in with kubelogin.")
        return
    converted = {one["name"]: _converted(one, profile) for one in found}
    for one in found:
        before = one["user"].pop("exec", None) or {}
        one["user"].pop("auth-provider", None)
        version = str(before.get("apiVersion"))
        version = version if version in kubernetes.VERSIONS else kubernetes.VERSIONS[0]
        one["user"]["exec"] = kubernetes.exec_of(converted[one["name"]], version)
    _write(path, config)
    for name, changed in converted.items():
        output.message(f"Converted the user {name}.")
        for note in changed.notes:
            output.message(note)
    for command in dict.fromkeys(changed.sign_in for changed in converted.values() if changed.sign_in):
        output.message(f"Sign in once: {command}")


def _converted(one: Mapping[str, Any], profile: str) -> Converted:
    from mstoken.integrations import kubernetes

    try:
        return kubernetes.convert(one["user"], profile)
    except UsageError as error:
        raise UsageError(f"The user {one['name']}: {error.message} Nothing was changed.", error.remedy) from None


def _users(config: Mapping[str, Any], context: str) -> str | None:
    """Return the user of a context; None without a context. Raises UsageError for an unknown one."""
    if not context:
        return None
    for one in config.get("contexts") or ():
        if one["name"] == context:
            return str(one["context"]["user"])
    raise UsageError(f"There is no context {context!r}.", "List them: kubectl config get-contexts")


def _read(path: Path) -> dict[str, Any]:
    import json

    if not path.is_file():
        raise UsageError(f"There is no kubeconfig {path}.", "Name it: --kubeconfig FILE")
    config: dict[str, Any] = json.loads(_kubectl(path, "json"))
    return config


def _write(path: Path, config: Mapping[str, Any]) -> None:
    """Write the file as kubectl spells YAML, by rename, with the permissions that it has; a link keeps its target."""
    import json
    import tempfile
    from pathlib import Path

    target = path.resolve()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".mstoken-kube-") as folder:
        as_json, as_yaml = Path(folder, "config.json"), Path(folder, "config")
        as_json.write_text(json.dumps(config), encoding="utf-8")
        as_yaml.write_bytes(_kubectl(as_json, "yaml"))
        as_yaml.chmod(target.stat().st_mode & 0o777)
        as_yaml.replace(target)


def _kubectl(path: Path, form: str) -> bytes:
    """Return the kubeconfig as kubectl prints it. Raises UsageError."""
    command = ["kubectl", "config", "view", "--raw", "--kubeconfig", str(path), "--output", form]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30)  # noqa: S603
    except FileNotFoundError:
        raise UsageError("kubectl is not on the PATH; it reads and writes kubeconfigs.", "Install it.") from None
    except subprocess.TimeoutExpired:
        raise UsageError("kubectl did not answer within 30 seconds.", "Run it once by hand.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[:300]
        raise UsageError(f"kubectl cannot read {path}: {said}", "Correct the file.")
    return done.stdout

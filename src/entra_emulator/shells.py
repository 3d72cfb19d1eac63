"""An emulator's settings in the words of a shell or of a programming language."""

import json
import shlex
from collections.abc import Callable, Mapping

_COMMON = ("AZURE_", "ENTRA_EMULATOR_")
_PROXY = ("HTTPS_PROXY", "NO_PROXY")
Settings = Mapping[str, str | None]
"""Variables and their values; None for one that has to go, because it would lead elsewhere."""


def render(environment: Settings, kind: str) -> str:
    """Text that sets the environment; `kind` is one of KINDS.

    :raises KeyError: it is none.
    """
    return KINDS[kind](environment)


def _lines(environment: Settings, put: Callable[[str, str], str], drop: Callable[[str], str]) -> str:
    dropped = [drop(name) for name, value in environment.items() if value is None]
    return "\n".join([*dropped, *(put(name, value) for name, value in _values(environment).items())])


def _values(environment: Settings) -> dict[str, str]:
    """What is to be set, for a form that can take nothing away."""
    return {name: value for name, value in environment.items() if value is not None}


def _bash(environment: Settings) -> str:
    return _lines(environment, lambda name, value: f"export {name}={shlex.quote(value)}", lambda name: f"unset {name}")


def _fish(environment: Settings) -> str:
    def put(name: str, value: str) -> str:
        quoted = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"set -gx {name} '{quoted}'"

    return _lines(environment, put, lambda name: f"set -e {name}")


def _powershell(environment: Settings) -> str:
    return _lines(
        environment,
        lambda name, value: "$env:{} = '{}'".format(name, value.replace("'", "''")),
        lambda name: f"Remove-Item Env:{name} -ErrorAction Ignore",
    )


def _dotenv(environment: Settings) -> str:
    return "\n".join(f"{name}={json.dumps(value)}" for name, value in _values(environment).items())


def _json(environment: Settings) -> str:
    return json.dumps(_values(environment), indent=2)


def _python(environment: Settings) -> str:
    dropped = [name for name, value in environment.items() if value is None]
    entries = "".join(f"    {name!r}: {value!r},\n" for name, value in _values(environment).items())
    pops = f"for name in {dropped!r}:\n    os.environ.pop(name, None)\n" if dropped else ""
    return f"import os\n\n{pops}os.environ.update({{\n{entries}}})"


def _node(environment: Settings) -> str:
    return _remarked(
        environment,
        (*_PROXY, "NODE_EXTRA_CA_CERTS", "NODE_USE_ENV_PROXY"),
        "Node reads these when it starts: set them in the shell, not in the program.",
        "Versions that do not know NODE_USE_ENV_PROXY go by AZURE_AUTHORITY_HOST only.",
    )


def _go(environment: Settings) -> str:
    return _remarked(
        environment,
        (*_PROXY, "SSL_CERT_FILE"),
        "Go reads SSL_CERT_FILE on Linux and the BSDs. On Windows and macOS, give its authority to tls.Config.RootCAs.",
    )


def _dotnet(environment: Settings) -> str:
    return _remarked(
        environment,
        (*_PROXY, "SSL_CERT_FILE"),
        ".NET reads SSL_CERT_FILE on Linux. On Windows and macOS, trust the file in an HttpClientHandler of the test.",
    )


def _java(environment: Settings) -> str:
    """Java trusts a store of its own and knows no HTTPS_PROXY; both are said to the virtual machine."""
    values = _values(environment)
    host, _, port = values["HTTPS_PROXY"].rpartition("//")[2].partition(":")
    options = {
        "javax.net.ssl.trustStore": values["ENTRA_EMULATOR_TRUST_STORE"],
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": TRUST_STORE_PASSWORD,
        "https.proxyHost": host,
        "https.proxyPort": port,
        "http.nonProxyHosts": "localhost|127.0.0.1",
    }
    words = " ".join(f'"-D{name}={value}"' for name, value in options.items())  # a path may have blanks in it
    return _remarked({**environment, "JAVA_TOOL_OPTIONS": words}, (*_PROXY, "JAVA_TOOL_OPTIONS"))


def _remarked(environment: Settings, names: tuple[str, ...], *remarks: str) -> str:
    """For one language: what all need and what it reads itself, as a shell takes it."""
    chosen = {
        name: value for name, value in environment.items() if value is None or name.startswith(_COMMON) or name in names
    }
    return "\n".join([*(f"# {remark}" for remark in remarks), _bash(chosen)])


TRUST_STORE_PASSWORD = "changeit"  # Java's own default; what it protects is no secret
KINDS: dict[str, Callable[[Settings], str]] = {
    "bash": _bash,
    "fish": _fish,
    "powershell": _powershell,
    "dotenv": _dotenv,
    "json": _json,
    "python": _python,
    "node": _node,
    "go": _go,
    "java": _java,
    "dotnet": _dotnet,
}

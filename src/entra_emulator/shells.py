"""An emulator's settings in the words of a shell or of a programming language."""

import json
import shlex
from collections.abc import Callable, Mapping

_COMMON = ("AZURE_", "ENTRA_EMULATOR_")
_PROXY = ("HTTPS_PROXY", "NO_PROXY")


def render(environment: Mapping[str, str], kind: str) -> str:
    """Text that sets the environment; `kind` is one of KINDS.

    :raises KeyError: it is none.
    """
    return KINDS[kind](environment)


def _lines(environment: Mapping[str, str], form: Callable[[str, str], str]) -> str:
    return "\n".join(form(name, value) for name, value in environment.items())


def _bash(environment: Mapping[str, str]) -> str:
    return _lines(environment, lambda name, value: f"export {name}={shlex.quote(value)}")


def _fish(environment: Mapping[str, str]) -> str:
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in environment.items()}
    return _lines(quoted, lambda name, value: f"set -gx {name} '{value}'")


def _powershell(environment: Mapping[str, str]) -> str:
    return _lines(environment, lambda name, value: "$env:{} = '{}'".format(name, value.replace("'", "''")))


def _dotenv(environment: Mapping[str, str]) -> str:
    return _lines(environment, lambda name, value: f"{name}={json.dumps(value)}")


def _json(environment: Mapping[str, str]) -> str:
    return json.dumps(dict(environment), indent=2)


def _python(environment: Mapping[str, str]) -> str:
    entries = "".join(f"    {name!r}: {value!r},\n" for name, value in environment.items())
    return f"import os\n\nos.environ.update({{\n{entries}}})"


def _node(environment: Mapping[str, str]) -> str:
    return _remarked(
        environment,
        (*_PROXY, "NODE_EXTRA_CA_CERTS", "NODE_USE_ENV_PROXY"),
        "Node reads these when it starts: set them in the shell, not in the program.",
        "Versions that do not know NODE_USE_ENV_PROXY go by AZURE_AUTHORITY_HOST only.",
    )


def _go(environment: Mapping[str, str]) -> str:
    return _remarked(
        environment,
        (*_PROXY, "SSL_CERT_FILE"),
        "Go reads SSL_CERT_FILE on Linux and the BSDs. On Windows and macOS, give its authority to tls.Config.RootCAs.",
    )


def _dotnet(environment: Mapping[str, str]) -> str:
    return _remarked(
        environment,
        (*_PROXY, "SSL_CERT_FILE"),
        ".NET reads SSL_CERT_FILE on Linux. On Windows and macOS, trust the file in an HttpClientHandler of the test.",
    )


def _java(environment: Mapping[str, str]) -> str:
    """Java trusts a store of its own and knows no HTTPS_PROXY; both are said to the virtual machine."""
    host, _, port = environment["HTTPS_PROXY"].rpartition("//")[2].partition(":")
    options = {
        "javax.net.ssl.trustStore": environment["ENTRA_EMULATOR_TRUST_STORE"],
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": TRUST_STORE_PASSWORD,
        "https.proxyHost": host,
        "https.proxyPort": port,
        "http.nonProxyHosts": "localhost|127.0.0.1",
    }
    words = " ".join(f"-D{name}={value}" for name, value in options.items())
    return _remarked({**environment, "JAVA_TOOL_OPTIONS": words}, (*_PROXY, "JAVA_TOOL_OPTIONS"))


def _remarked(environment: Mapping[str, str], names: tuple[str, ...], *remarks: str) -> str:
    chosen = {name: value for name, value in environment.items() if name.startswith(_COMMON) or name in names}
    return "\n".join([*(f"# {remark}" for remark in remarks), _bash(chosen)])


TRUST_STORE_PASSWORD = "changeit"  # Java's own default; what it protects is no secret
KINDS: dict[str, Callable[[Mapping[str, str]], str]] = {
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

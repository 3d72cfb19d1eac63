"""An emulator's settings in the syntax of a shell or a programming language."""

import json
from collections.abc import Callable, Iterable, Mapping

from . import powershell_session
from .quoting import dotenv, fish, posix

# urllib's opener keeps the proxies of the first request; after its removal, the next request makes a new opener.
_PYTHON_OPENER = 'if "urllib.request" in sys.modules:\n    sys.modules["urllib.request"].install_opener(None)'
_COMMON = ("AZURE_", "ENTRA_EMULATOR_")
_PROXY = ("HTTPS_PROXY", "NO_PROXY")
Settings = Mapping[str, str | None]
"""Variables and their values; None for one that has to go, because it would lead elsewhere."""


def render(environment: Settings, kind: str) -> str:
    """Return text that sets the environment; `kind` is one of KINDS.

    :raises KeyError: it is not.
    """
    return KINDS[kind](environment)


def render_undo(names: Iterable[str], kind: str) -> str:
    """Return text that reverts what `render` sets: the variables `names`, and a session's settings in memory.

    PowerShell gets its previous values back; elsewhere the variables are unset.

    :raises LookupError: the form is a file or an object, which sets nothing by itself.
    """
    if kind not in UNDO:
        raise LookupError(f"{kind} has nothing to take back. --undo is for {', '.join(UNDO)}.")
    return UNDO[kind](names)


def _lines(environment: Settings, put: Callable[[str, str], str], drop: Callable[[str], str]) -> str:
    dropped = [drop(name) for name, value in environment.items() if value is None]
    return "\n".join([*dropped, *(put(name, value) for name, value in _values(environment).items())])


def _values(environment: Settings) -> dict[str, str]:
    """Return the variables to set, for a form that cannot unset any."""
    return {name: value for name, value in environment.items() if value is not None}


def _bash(environment: Settings) -> str:
    return _lines(environment, lambda name, value: f"export {name}={posix(value)}", lambda name: f"unset {name}")


def _fish(environment: Settings) -> str:
    return _lines(environment, lambda name, value: f"set -gx {name} {fish(value)}", lambda name: f"set -e {name}")


def _dotenv(environment: Settings) -> str:
    return "\n".join(f"{name}={dotenv(value)}" for name, value in _values(environment).items())


def _json(environment: Settings) -> str:
    """Return JSON in ASCII. Of names that differ only in case, the upper-case one is kept.

    ConvertFrom-Json refuses an object with both.
    """
    folded = {name.upper() for name in environment if name.isupper()}
    chosen = {
        name: value for name, value in _values(environment).items() if name.isupper() or name.upper() not in folded
    }
    return json.dumps(chosen, indent=2)


def _python(environment: Settings) -> str:
    dropped = [name for name, value in environment.items() if value is None]
    entries = "".join(f"    {name!r}: {value!r},\n" for name, value in _values(environment).items())
    pops = f"for name in {dropped!r}:\n    os.environ.pop(name, None)\n" if dropped else ""
    remark = "# Clients and sessions that exist already (httpx, aiohttp, an SDK's) keep their settings: make them anew."
    return f"{remark}\nimport os\nimport sys\n\n{pops}os.environ.update({{\n{entries}}})\n{_PYTHON_OPENER}"


def _python_undo(names: Iterable[str]) -> str:
    return f"import os\nimport sys\n\nfor name in {list(names)!r}:\n    os.environ.pop(name, None)\n{_PYTHON_OPENER}"


def _node(environment: Settings) -> str:
    return _remarked(
        environment,
        (*_PROXY, "NODE_EXTRA_CA_CERTS", "NODE_USE_ENV_PROXY"),
        "Node reads these when it starts: set them in the shell, not in the program, and start it again.",
        "Versions that do not know NODE_USE_ENV_PROXY go by AZURE_AUTHORITY_HOST only.",
    )


def _go(environment: Settings) -> str:
    return _remarked(
        environment,
        (*_PROXY, "SSL_CERT_FILE"),
        "Go reads these at its first request: set them before the program starts.",
        "Go reads SSL_CERT_FILE on Linux and the BSDs. On Windows and macOS, give its authority to tls.Config.RootCAs.",
    )


def _dotnet(environment: Settings) -> str:
    return _remarked(
        environment,
        (*_PROXY, "SSL_CERT_FILE"),
        ".NET reads these at its first request: set them before the program starts. In one that runs, set",
        "HttpClient.DefaultProxy before you make a client; for a session of PowerShell, --shell powershell does that.",
        ".NET reads SSL_CERT_FILE on Linux. On Windows and macOS, trust the file in an HttpClientHandler of the test.",
    )


def _java(environment: Settings) -> str:
    """Return settings for Java: options for its trust store and proxy, since it does not read HTTPS_PROXY."""
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
    words = " ".join(_java_word(f"-D{name}={value}") for name, value in options.items())
    return _remarked(
        {**environment, "JAVA_TOOL_OPTIONS": words},
        (*_PROXY, "JAVA_TOOL_OPTIONS"),
        "Java reads JAVA_TOOL_OPTIONS when it starts.",
    )


def _java_word(word: str) -> str:
    """Quote a word of JAVA_TOOL_OPTIONS: a path may contain spaces, and neither kind of quote can be escaped."""
    quote = "'" if '"' in word else '"'
    return f"{quote}{word}{quote}"


def _remarked(environment: Settings, names: tuple[str, ...], *remarks: str) -> str:
    """Return shell text for one language: the common variables, and those that the language reads itself."""
    chosen = {
        name: value for name, value in environment.items() if value is None or name.startswith(_COMMON) or name in names
    }
    return "\n".join([*(f"# {remark}" for remark in remarks), _bash(chosen)])


TRUST_STORE_PASSWORD = "changeit"  # Java's default; the content is not secret
KINDS: dict[str, Callable[[Settings], str]] = {
    "bash": _bash,
    "fish": _fish,
    "powershell": powershell_session.powershell,
    "dotenv": _dotenv,
    "json": _json,
    "python": _python,
    "node": _node,
    "go": _go,
    "java": _java,
    "dotnet": _dotnet,
}


def _unset(names: Iterable[str]) -> str:
    return "\n".join(f"unset {name}" for name in names)


UNDO: dict[str, Callable[[Iterable[str]], str]] = {
    "bash": _unset,
    "fish": lambda names: "\n".join(f"set -e {name}" for name in names),
    "powershell": powershell_session.taken_back,
    "python": _python_undo,
    **dict.fromkeys(("node", "go", "java", "dotnet"), lambda names: _unset([*names, "JAVA_TOOL_OPTIONS"])),
}

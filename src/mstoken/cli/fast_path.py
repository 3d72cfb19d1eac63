"""Print a cached token in little more time than Python takes to start: without click, settings or a client.

The first `mstoken get graph` takes the full path. It then stores an alias: a note with the name of the cached token,
under a fingerprint of everything that determined the token. The same command line under the same conditions finds the
alias, then the token. Anything unusual or doubtful takes the full path, so that the fast path never returns another
identity's token.

This file imports only modules that Python has already loaded, and modules that follow the same rule.
"""

from __future__ import annotations

import os
from time import time

from mstoken.cli.token_formats import FAST_PATH_FORMATS, render
from mstoken.config.folder import config_file
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.stores.token_file_reader import read_note, read_token
from mstoken.stores.user_folders import token_folder
from mstoken.tool_files import states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from mstoken.cli.options import GetArguments
    from mstoken.stores.token_file_reader import TokenFields

LEEWAY_IN = 60
"""model.LEEWAY_IN, whose module takes too long to import here; a test keeps the two equal."""

SET_BACK_IN = 300
"""model.SET_BACK_IN, likewise."""

# Variables with these prefixes may determine the identity, now or in a later version. A refresh token determines the
# user, so its value counts (the fingerprint is a digest). The secrets below prove an identity and do not choose one, so
# only their presence counts.
_PREFIXES = ("AZURE_", "AZD_", "MSTOKEN_", "IDENTITY_", "IMDS_", "MSI_", "DEFAULT_IDENTITY_")
_SECRETS = frozenset(
    {"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD", "MSTOKEN_VAULT_KEY"}
)

_WITHOUT_EFFECT = frozenset({"MSTOKEN_SHELL"})
"""Variables that only word messages."""

_CATALOGUE = __file__.replace("fast_path.py", "../services/services.toml")
_MAX_CONFIG_BYTES = 1_000_000


def fingerprint(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> str:
    """Return a digest of everything that determines which token `mstoken get` prints; '' if it cannot be computed.

    That is: the arguments, the environment's settings, the current configuration file, who is signed in to az and other
    tools, and this version of mstoken.
    """
    path = config_file(environ)
    config = _config_text(path)
    if config is None:
        return ""
    return fingerprint_of_parts(
        *(
            f"{name}={'set' if value and name in _SECRETS else value}"
            for name, value in sorted(environ.items())
            if name.startswith(_PREFIXES) and name not in _WITHOUT_EFFECT
        ),
        *(f"{file} {os.stat(file).st_mtime_ns}" for file in (__file__, _CATALOGUE)),  # noqa: PTH116
        path,
        config,
        *states(environ),
        *arguments,
    )


def cached_output(arguments: GetArguments, mark: str) -> str:
    """Return the output for these arguments and their fingerprint; '' if the full path has to run."""
    found = cached_token(arguments, mark) if arguments.output in FAST_PATH_FORMATS else None
    return render(arguments.output, found[0], name=arguments.name) if found else ""


def cached_token(arguments: GetArguments, mark: str) -> tuple[TokenFields, str] | None:
    """Return the token for these arguments and their fingerprint, and the facts that its alias has.

    None if the full path has to run. `fast_path_alias` writes the facts.
    """
    if not mark or arguments.fresh or arguments.claims:
        return None
    folder = token_folder()
    alias = read_note(folder, mark)
    key, _, facts = alias[0].partition("\n") if alias else ("", "", "")
    fields = read_token(folder, key) if key else None
    if fields is None:
        return None
    now, refresh_on, got_on = time(), fields[3], fields[5]
    if fields[1] - now < max(arguments.min_ttl, LEEWAY_IN) or (refresh_on is not None and now >= refresh_on):
        return None
    if got_on is not None and now < got_on - SET_BACK_IN:
        return None
    return fields, facts


def write_and_exit(text: str) -> NoReturn:
    """Print the line and end the process at once."""
    content = text.encode() + b"\n"
    try:
        while content:
            content = content[os.write(1, content) :]
    except BrokenPipeError:
        pass  # the reader has gone
    except OSError as error:
        os.write(2, f"mstoken: error: standard output cannot be written: {error.strerror}\n".encode())
        exit_now(1)
    exit_now(0)


def exit_now(code: int) -> NoReturn:
    """End the process at once: tearing down the interpreter takes longer than the whole fast path.

    All output is written by then, and stores are durable when they return.
    """
    os._exit(code)


def _config_text(path: str) -> str | None:
    """Return the file's text; '' if there is no file, None if it cannot be read, is too large, or must be checked.

    The full path refuses a file that others can change (`config.profiles`), so that a cached token hides no such file.
    """
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return ""
    except OSError:
        return None
    try:
        status = os.fstat(file)
        if os.name == "posix" and (status.st_mode & 0o022 or status.st_uid not in (0, os.getuid())):
            return None
        content = os.read(file, _MAX_CONFIG_BYTES)
    except OSError:
        return None
    finally:
        os.close(file)
    return content.decode("latin-1") if len(content) < _MAX_CONFIG_BYTES else None

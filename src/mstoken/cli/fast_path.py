"""A kept token in little more time than Python takes to start: no click, no settings, no client.

The first `mstoken get graph` does all the work and notes, under a fingerprint of everything that decided it, which
kept token was the answer. The same command line in the same circumstances finds the note, then the token. Whatever is
unusual is not answered here; a doubt costs the ordinary way, never somebody else's token.

Nothing may be imported here that Python has not loaded anyway, but modules that themselves keep to this.
"""

from __future__ import annotations

import os
from time import time

from mstoken.cli.token_formats import FAST_PATH_FORMATS, render
from mstoken.config.folder import config_file
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.stores.token_file_reader import read_token
from mstoken.stores.user_folders import token_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from mstoken.cli.options import GetArguments

LEEWAY_IN = 60
"""model.LEEWAY_IN, whose module costs more than this path may; a test holds the two equal."""

SET_BACK_IN = 300
"""model.SET_BACK_IN, likewise."""

ALIAS_TYPE = "same-as"
"""Stands where a token's type does and makes the file a note: in place of a token it has the kept token's name."""

# Whatever has such a name may decide whose token it is, now or in a later version. A refresh token chooses the person,
# so its value counts; what is kept is a digest. These others prove an identity and do not choose one, so only whether
# they are there counts.
_PREFIXES = ("AZURE_", "MSTOKEN_", "IDENTITY_", "IMDS_", "MSI_", "DEFAULT_IDENTITY_")
_SECRETS = frozenset(
    {"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD", "MSTOKEN_VAULT_KEY"}
)

_CATALOGUE = __file__.replace("quick.py", "../services/services.toml")
_MAX_CONFIG_BYTES = 1_000_000


def fingerprint(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> str:
    """A digest of all that decides which token `mstoken get` with these arguments prints; '' when it cannot be told.

    The arguments, the environment's settings, the configuration file as it is now, and this version of mstoken.
    """
    path = config_file(environ)
    config = _config_text(path)
    if config is None:
        return ""
    return fingerprint_of_parts(
        *(
            f"{name}={'set' if value and name in _SECRETS else value}"
            for name, value in sorted(environ.items())
            if name.startswith(_PREFIXES)
        ),
        *(f"{file} {os.stat(file).st_mtime_ns}" for file in (__file__, _CATALOGUE)),  # noqa: PTH116
        path,
        config,
        *arguments,
    )


def cached_output(arguments: GetArguments, mark: str) -> str:
    """What to print for these parameters and their fingerprint, '' when the ordinary way has to tell."""
    if not mark or arguments.fresh or arguments.claims or arguments.output not in FAST_PATH_FORMATS:
        return ""
    folder = token_folder()
    alias = read_token(folder, mark)
    fields = read_token(folder, alias[0]) if alias and alias[2] == ALIAS_TYPE else None
    if fields is None:
        return ""
    now, refresh_on, got_on = time(), fields[3], fields[5]
    if fields[1] - now < max(arguments.min_ttl, LEEWAY_IN) or (refresh_on is not None and now >= refresh_on):
        return ""
    if got_on is not None and now < got_on - SET_BACK_IN:
        return ""
    return render(arguments.output, fields)


def write_and_exit(text: str) -> NoReturn:
    """Print the line and end the process at once."""
    content = text.encode() + b"\n"
    try:
        while content:
            content = content[os.write(1, content) :]
    except BrokenPipeError:
        pass  # whoever asked has gone; there is nobody to tell
    except OSError as error:
        os.write(2, f"mstoken: error: standard output cannot be written: {error.strerror}\n".encode())
        exit_now(1)
    exit_now(0)


def exit_now(code: int) -> NoReturn:
    """End the process at once: tearing the interpreter down takes longer than all the rest of a kept token's way.

    What was said has been written out by then; stores are durable when they return.
    """
    os._exit(code)


def _config_text(path: str) -> str | None:
    """The file's text, '' where there is none, None where it cannot be read or is too large to be taken in."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return ""
    except OSError:
        return None
    try:
        content = os.read(file, _MAX_CONFIG_BYTES)
    except OSError:
        return None
    finally:
        os.close(file)
    return content.decode("latin-1") if len(content) < _MAX_CONFIG_BYTES else None

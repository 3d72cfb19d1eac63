"""Azure AD B2C's refusals: one exception, described in data/b2c_errors.toml by AADB2C code."""

import functools
import tomllib
from importlib import resources


@functools.cache
def definitions() -> dict[int, dict[str, str]]:
    """Return the OAuth error and the text of each code that the emulator knows."""
    text = resources.files("entra_emulator").joinpath("data/b2c_errors.toml").read_text(encoding="utf-8")
    return {int(code): fields for code, fields in tomllib.loads(text).items()}


class B2CError(Exception):
    """A refusal. `names` fill the placeholders of the code's text."""

    def __init__(self, code: int, **names: str) -> None:
        definition = definitions()[code]
        self.code, self.error = code, definition["error"]
        self.message = f"AADB2C{code}: {definition['text'].format(**names)}"
        super().__init__(self.message)

    def fields(self, correlation_id: str, timestamp: str) -> dict[str, str]:
        """Return `error` and `error_description`, whose last lines have the ids, as MicrosoftDocs/azure-docs#11469."""
        tail = f"\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}\r\n"
        return {"error": self.error, "error_description": f"{self.message}{tail}"}

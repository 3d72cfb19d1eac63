"""tools/check_secrets.py finds fields of values that may hold a secret and would show it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.check_secrets import NOT_SECRET, problems

ROOT = Path(__file__).resolve().parents[2]


def planted(root: Path, field: str, package: str) -> list[str]:
    """What the tool says of one field of a value in a module of the package."""
    folder = root / "src" / "mstoken" / package
    folder.mkdir(parents=True)
    (folder / "planted.py").write_text(f"@value\nclass Ticket:\n    {field}\n", encoding="utf-8")
    return problems(root)


def test_the_values_of_this_tree_hide_their_secrets() -> None:
    """What `make check` says of the code as it is."""
    assert problems(ROOT) == []


@pytest.mark.parametrize("name", NOT_SECRET)
def test_every_exception_names_a_field(name: str) -> None:
    """An exception that is no longer needed is removed."""
    owner, _, field = name.partition(".")
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src" / "mstoken").rglob("*.py")]
    assert any(f"class {owner}" in text and f"    {field}: " in text for text in sources)


@pytest.mark.parametrize("word", ["secret", "password", "token", "refresh_token", "assertion", "key", "client_code"])
@pytest.mark.parametrize("declared", ["str", 'str = ""', "bytes | None = None", "str = field(repr=False)"])
@pytest.mark.parametrize("package", ["credentials", "protocol"])
def test_a_field_with_the_name_of_a_secret_is_reported(tmp_path: Path, word: str, declared: str, package: str) -> None:
    """In every package, also if it is left out of the repr: its text would still show in a traceback's variables."""
    (problem,) = planted(tmp_path, f"{word}: {declared}", package)
    assert f"planted.py:3: Ticket.{word} is not field(secret=True)" in problem


def test_any_text_of_a_credential_is_a_secret_until_it_is_known_to_be_public(tmp_path: Path) -> None:
    """Whatever its name."""
    (problem,) = planted(tmp_path, "stub: str", "credentials")
    assert "Ticket.stub is not field(secret=True); or add it to PUBLIC_FIELDS" in problem


@pytest.mark.parametrize(
    ("field", "package"),
    [
        ("secret: str = field(secret=True)", "credentials"),
        ('refresh_token: str = field(default="", secret=True)', "protocol"),
        ("username: str", "credentials"),
        ("single_use: bool = False", "credentials"),
        ("on_token: Callable[[str], None] | None = field(default=None, repr=False)", "credentials"),
        ("stub: str", "protocol"),
        ("token: Token", "protocol"),
    ],
)
def test_other_fields_pass(tmp_path: Path, field: str, package: str) -> None:
    """Secrets that are declared, public text, and what is no text."""
    assert planted(tmp_path, field, package) == []

"""Check that each field of a value that may hold a secret is declared `field(secret=True)`, so that no repr shows it.

- In `credentials/`, each text field of a `@value` is secret, or its name is one of PUBLIC_FIELDS below: a new field is
  secret until somebody decides otherwise.
- Elsewhere in the package, a text field whose name ends in one of SECRET_WORDS is secret, or one of NOT_SECRET below.

Usage: check_secrets.py [ROOT]
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PUBLIC_FIELDS = frozenset(
    {
        "account",
        "agent_id",
        "algorithm",
        "audience",
        "authority",
        "client_id",
        "domain_hint",
        "fmi_path",
        "incomplete",
        "key_path",
        "login_hint",
        "machine",
        "message",
        "name",
        "object_id",
        "path",
        "prompt",
        "redirect_uri",
        "remedy",
        "resource_id",
        "service_connection_id",
        "source",
        "subscription",
        "tenant",
        "token_file",
        "user_code",
        "user_id",
        "username",
        "verification_uri",
        "unavailable_reason",
    }
)
"""Fields of credentials, and of their parts, whose text may be shown."""

SECRET_WORDS = frozenset(
    {
        "assertion",
        "code",
        "jwt",
        "key",
        "nonce",
        "passphrase",
        "password",
        "pin",
        "secret",
        "secrets",
        "token",
        "tokens",
        "verifier",
    }
)

NOT_SECRET = {
    "ApiHeaders.idempotency_key": "the name of a header",
    "Cause.code": "an AADSTS code",
    "CachedTokenInfo.key": "a digest",
    "ClientKey.certificate": "a certificate is public; it may be a function, and is left out of the repr",
    "Pkcs11Key.token": "the label of a device",
    "PopRequest.nonce": "public: the service sent it in a header, and the signed request repeats it",
    "Token.token": "azure-core's shape: the text is the caller's to use; it is left out of the repr",
}
"""Fields that may be shown, or hide themselves in another way: why."""


def is_secret(default: ast.expr | None) -> bool:
    """Whether it is `field(…, secret=True)`."""
    given = default.keywords if isinstance(default, ast.Call) else []
    return any(one.arg == "secret" and ast.unparse(one.value) == "True" for one in given)


def holds_text(annotation: ast.expr) -> bool:
    """Whether a field of this type may hold text or bytes. What a function takes and returns does not count."""
    return bool(re.search(r"\b(str|bytes)\b", re.sub(r"Callable\[.*", "", ast.unparse(annotation))))


def is_value(owner: ast.ClassDef) -> bool:
    return any(ast.unparse(one) == "value" for one in owner.decorator_list)


def problems_in(path: Path) -> list[str]:
    """Text fields of a module's values that may hold a secret and would show it."""
    of_credential = path.parent.name == "credentials"
    lines = []
    for owner in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for node in owner.body if isinstance(owner, ast.ClassDef) and is_value(owner) else []:
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
                continue
            field, name = node.target.id, f"{owner.name}.{node.target.id}"  # type: ignore[attr-defined]
            public = field in PUBLIC_FIELDS if of_credential else field.split("_")[-1] not in SECRET_WORDS
            if holds_text(node.annotation) and not (public or name in NOT_SECRET or is_secret(node.value)):
                where = "PUBLIC_FIELDS" if of_credential else "NOT_SECRET"
                lines.append(f"{path}:{node.lineno}: {name} is not field(secret=True); or add it to {where}")
    return lines


def problems(root: Path = ROOT) -> list[str]:
    """One line for each field."""
    return [line for path in sorted((root / "src" / "mstoken").rglob("*.py")) for line in problems_in(path)]


def main() -> int:
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    print("\n".join(found) or "secrets: no repr of a value shows one", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

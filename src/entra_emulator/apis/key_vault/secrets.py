"""Key Vault's calls for secrets."""

import json
import re
from typing import Any

from entra_emulator import config
from entra_emulator.ids import base64url, from_base64url
from entra_emulator.saved import plain
from entra_emulator.vaults import VaultSecret

from .wire import Call, Refusal, VaultRequest

_PAGE = 25
_MOST_TAGS = 15
_RECOVERABLE_IN = 90 * 86_400  # seconds for which a deleted secret can be recovered
_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")


def _list(sent: VaultRequest) -> dict[str, Any]:
    newest = {secret.name.lower(): secret for secret in sent.vault.secrets if secret.deleted_on is None}
    return _page(sent, [_item(sent, secret) for _, secret in sorted(newest.items())], "secrets")


def _list_versions(sent: VaultRequest) -> dict[str, Any]:
    items = [_item(sent, version, with_version=True) for version in sent.versions()]
    return _page(sent, items, f"secrets/{sent.name}/versions")


def _list_deleted(sent: VaultRequest) -> dict[str, Any]:
    newest = {secret.name.lower(): secret for secret in sent.vault.secrets if secret.deleted_on is not None}
    items = [_item(sent, secret) | _deletion(sent, secret) for _, secret in sorted(newest.items())]
    return _page(sent, items, "deletedsecrets")


def _page(sent: VaultRequest, items: list[dict[str, Any]], path: str) -> dict[str, Any]:
    query = sent.request.query_params
    sizes = [query.get(name, default) for name, default in (("maxresults", str(_PAGE)), ("$skiptoken", "0"))]
    if not all(text.isascii() and text.isdigit() for text in sizes):
        raise Refusal(400, "BadParameter", "maxresults and $skiptoken have to be numbers.")
    size, start = max(1, min(int(sizes[0]), _PAGE)), int(sizes[1])
    more = None
    if start + size < len(items):
        version = query.get("api-version", "7.5")
        more = f"{sent.base}/{path}?api-version={version}&$skiptoken={start + size}&maxresults={size}"
    return {"value": items[start : start + size], "nextLink": more}


def _version(sent: VaultRequest) -> VaultSecret:
    """Return the version in the path, else the newest.

    :raises Refusal: 404 if it does not exist.
    """
    wanted = str(sent.request.path_params.get("version", ""))
    found = [version for version in sent.versions() if wanted in ("", version.version)]
    if not found:
        message = f"A secret with (name/id) {sent.name}/{wanted} was not found in this key vault."
        raise Refusal(404, "SecretNotFound", message)
    return found[-1]


def _get(sent: VaultRequest) -> dict[str, Any]:
    secret = _version(sent)
    if not secret.enabled:
        raise Refusal(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")
    return _bundle(sent, secret)


def _set(sent: VaultRequest) -> dict[str, Any]:
    """Create a version. Names are letters, digits and hyphens (about-keys-secrets-certificates)."""
    if not _NAME.fullmatch(sent.name):
        raise Refusal(400, "BadParameter", f"'{sent.name}' cannot be the name of a secret.")
    if not isinstance(sent.body, dict) or not isinstance(sent.body.get("value"), str):
        raise Refusal(400, "BadParameter", "The request body has no text as its value.")
    _check_free(sent, sent.name)
    properties = _described(sent.body)
    secret = VaultSecret(
        sent.name,
        sent.body["value"],
        created_on=sent.now,
        updated_on=sent.now,
        **properties,
    )
    sent.vault.secrets.append(secret)
    return _bundle(sent, secret)


def _update(sent: VaultRequest) -> dict[str, Any]:
    """Change the attributes of a version; its value stays."""
    secret = _version(sent)
    for name, value in _described(sent.body).items():
        setattr(secret, name, value)
    secret.updated_on = sent.now
    return _item(sent, secret, with_version=True)


def _check_free(sent: VaultRequest, name: str) -> None:
    """:raises Refusal: 409 if a deleted secret with this name is not purged."""
    if any(secret.deleted_on is not None and secret.name.lower() == name.lower() for secret in sent.vault.secrets):
        message = f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused."
        raise Refusal(409, "Conflict", message, "ObjectIsDeletedButRecoverable")


def _delete(sent: VaultRequest) -> dict[str, Any]:
    versions = sent.versions()
    for version in versions:
        version.deleted_on = sent.now
    return _item(sent, versions[-1], with_version=True) | _deletion(sent, versions[-1])


def _get_deleted(sent: VaultRequest) -> dict[str, Any]:
    secret = sent.versions(deleted=True)[-1]
    return _item(sent, secret, with_version=True) | _deletion(sent, secret)


def _purge(sent: VaultRequest) -> None:
    gone = sent.versions(deleted=True)
    sent.vault.secrets[:] = [secret for secret in sent.vault.secrets if secret not in gone]


def _recover(sent: VaultRequest) -> dict[str, Any]:
    versions = sent.versions(deleted=True)
    for version in versions:
        version.deleted_on = None
    return _item(sent, versions[-1], with_version=True)


def _back_up(sent: VaultRequest) -> dict[str, Any]:
    """Return all versions as one text. The real service encrypts it; here it is only encoded."""
    text = json.dumps([plain(version) for version in sent.versions()])
    return {"value": base64url(text.encode())}


def _restore(sent: VaultRequest) -> dict[str, Any]:
    """Restore the secret of a backup, unless a secret with its name exists."""
    try:
        entries = json.loads(from_base64url(str(sent.body["value"])))
        restored = [config.parse(entry, VaultSecret) for entry in entries]
        name = restored[-1].name
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Refusal(400, "BadParameter", "The request body has no backup of a secret as its value.") from None
    _check_free(sent, name)
    if any(secret.name.lower() == name.lower() for secret in sent.vault.secrets):
        raise Refusal(409, "Conflict", f"There is a secret {name} in this key vault already.")
    sent.vault.secrets += restored
    return _item(sent, restored[-1], with_version=True)


def _bundle(sent: VaultRequest, secret: VaultSecret) -> dict[str, Any]:
    return {"value": secret.value, **_item(sent, secret, with_version=True)}


def _item(sent: VaultRequest, secret: VaultSecret, *, with_version: bool = False) -> dict[str, Any]:
    tail = f"/{secret.version}" if with_version else ""
    attributes: dict[str, Any] = {"enabled": secret.enabled}
    if secret.not_before_on is not None:
        attributes["nbf"] = int(secret.not_before_on)
    if secret.expires_on is not None:
        attributes["exp"] = int(secret.expires_on)
    attributes |= {
        "created": int(secret.created_on),
        "updated": int(secret.updated_on or secret.created_on),
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": 90,
    }
    item: dict[str, Any] = {"contentType": secret.content_type} if secret.content_type else {}
    return {
        **item,
        "id": f"{sent.base}/secrets/{secret.name}{tail}",
        "attributes": attributes,
        "tags": secret.tags,
    }


def _described(body: Any) -> dict[str, Any]:
    """Return the fields in a body: whether a version is enabled, its times, content type and tags.

    :raises Refusal: 400 for an invalid value.
    """
    attributes = body.get("attributes", {}) if isinstance(body, dict) else None
    if not isinstance(attributes, dict):
        raise Refusal(400, "BadParameter", "The request body, or its attributes, are no JSON object.")
    fields: dict[str, Any] = {}
    for name, field, kind in (("enabled", "enabled", bool), ("exp", "expires_on", int), ("nbf", "not_before_on", int)):
        if attributes.get(name) is not None:
            if type(attributes[name]) is not kind:
                raise Refusal(400, "BadParameter", f"The attribute {name} is of another kind.")
            fields[field] = attributes[name]
    if body.get("contentType") is not None:
        fields["content_type"] = str(body["contentType"])
    if body.get("tags") is not None:
        fields["tags"] = _tags(body["tags"])
    return fields


def _tags(tags: Any) -> dict[str, str]:
    """Check tags: at most 15, with names and values of at most 256 characters (about-keys-secrets-certificates).

    :raises Refusal: 400 for invalid ones.
    """
    fits = isinstance(tags, dict) and len(tags) <= _MOST_TAGS
    if not fits or not all(isinstance(text, str) and len(text) <= 256 for pair in tags.items() for text in pair):
        raise Refusal(400, "BadParameter", "Tags have to be up to 15 texts of up to 256 characters.")
    return dict(tags)


def _deletion(sent: VaultRequest, secret: VaultSecret) -> dict[str, Any]:
    deleted_on = int(secret.deleted_on or sent.now)
    return {
        "recoveryId": f"{sent.base}/deletedsecrets/{secret.name}",
        "deletedDate": deleted_on,
        "scheduledPurgeDate": deleted_on + _RECOVERABLE_IN,
    }


# Clients append a slash to the path of the newest version.
CALLS: list[tuple[str, str, Call]] = [
    ("GET", "/secrets", _list),
    ("POST", "/secrets/restore", _restore),
    ("PUT", "/secrets/{secret}", _set),
    ("DELETE", "/secrets/{secret}", _delete),
    ("POST", "/secrets/{secret}/backup", _back_up),
    ("GET", "/secrets/{secret}/versions", _list_versions),
    ("GET", "/secrets/{secret}", _get),
    ("GET", "/secrets/{secret}/", _get),
    ("GET", "/secrets/{secret}/{version}", _get),
    ("PATCH", "/secrets/{secret}/", _update),
    ("PATCH", "/secrets/{secret}/{version}", _update),
    ("GET", "/deletedsecrets", _list_deleted),
    ("GET", "/deletedsecrets/{secret}", _get_deleted),
    ("DELETE", "/deletedsecrets/{secret}", _purge),
    ("POST", "/deletedsecrets/{secret}/recover", _recover),
]

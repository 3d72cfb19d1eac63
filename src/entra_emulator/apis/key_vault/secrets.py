"""Key Vault's calls about secrets."""

import json
import re
from typing import Any

from entra_emulator import config
from entra_emulator.ids import base64url, from_base64url
from entra_emulator.saved import plain
from entra_emulator.vaults import VaultSecret

from .wire import Call, Refusal, Visit

_PAGE = 25
_MOST_TAGS = 15
_KEPT_IN = 90 * 86_400  # how long what was deleted can be recovered
_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")


def _list(visit: Visit) -> dict[str, Any]:
    newest = {one.name.lower(): one for one in visit.vault.secrets if one.deleted_on is None}
    return _page(visit, [_item(visit, one) for _, one in sorted(newest.items())], "secrets")


def _list_versions(visit: Visit) -> dict[str, Any]:
    items = [_item(visit, one, with_version=True) for one in visit.versions()]
    return _page(visit, items, f"secrets/{visit.name}/versions")


def _list_deleted(visit: Visit) -> dict[str, Any]:
    newest = {one.name.lower(): one for one in visit.vault.secrets if one.deleted_on is not None}
    items = [_item(visit, one) | _deletion(visit, one) for _, one in sorted(newest.items())]
    return _page(visit, items, "deletedsecrets")


def _page(visit: Visit, items: list[dict[str, Any]], path: str) -> dict[str, Any]:
    query = visit.request.query_params
    sizes = [query.get(name, default) for name, default in (("maxresults", str(_PAGE)), ("$skiptoken", "0"))]
    if not all(text.isascii() and text.isdigit() for text in sizes):
        raise Refusal(400, "BadParameter", "maxresults and $skiptoken have to be numbers.")
    size, start = max(1, min(int(sizes[0]), _PAGE)), int(sizes[1])
    more = None
    if start + size < len(items):
        version = query.get("api-version", "7.5")
        more = f"{visit.base}/{path}?api-version={version}&$skiptoken={start + size}&maxresults={size}"
    return {"value": items[start : start + size], "nextLink": more}


def _version(visit: Visit) -> VaultSecret:
    """The version that the path names, the newest without one.

    :raises Refusal: 404 if there is none.
    """
    wanted = str(visit.request.path_params.get("version", ""))
    found = [one for one in visit.versions() if wanted in ("", one.version)]
    if not found:
        message = f"A secret with (name/id) {visit.name}/{wanted} was not found in this key vault."
        raise Refusal(404, "SecretNotFound", message)
    return found[-1]


def _get(visit: Visit) -> dict[str, Any]:
    secret = _version(visit)
    if not secret.enabled:
        raise Refusal(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")
    return _bundle(visit, secret)


def _set(visit: Visit) -> dict[str, Any]:
    """A new version; names are letters, digits and hyphens (about-keys-secrets-certificates)."""
    if not _NAME.fullmatch(visit.name):
        raise Refusal(400, "BadParameter", f"'{visit.name}' cannot be the name of a secret.")
    if not isinstance(visit.body, dict) or not isinstance(visit.body.get("value"), str):
        raise Refusal(400, "BadParameter", "The request body has no text as its value.")
    _check_free(visit, visit.name)
    said = _described(visit.body)
    secret = VaultSecret(visit.name, visit.body["value"], created_on=visit.now, updated_on=visit.now, **said)
    visit.vault.secrets.append(secret)
    return _bundle(visit, secret)


def _update(visit: Visit) -> dict[str, Any]:
    """Change what a version says of itself; its value stays."""
    secret = _version(visit)
    for name, value in _described(visit.body).items():
        setattr(secret, name, value)
    secret.updated_on = visit.now
    return _item(visit, secret, with_version=True)


def _check_free(visit: Visit, name: str) -> None:
    """:raises Refusal: 409 while a secret of the name is deleted and not purged."""
    if any(one.deleted_on is not None and one.name.lower() == name.lower() for one in visit.vault.secrets):
        message = f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused."
        raise Refusal(409, "Conflict", message, "ObjectIsDeletedButRecoverable")


def _delete(visit: Visit) -> dict[str, Any]:
    versions = visit.versions()
    for one in versions:
        one.deleted_on = visit.now
    return _item(visit, versions[-1], with_version=True) | _deletion(visit, versions[-1])


def _get_deleted(visit: Visit) -> dict[str, Any]:
    secret = visit.versions(deleted=True)[-1]
    return _item(visit, secret, with_version=True) | _deletion(visit, secret)


def _purge(visit: Visit) -> None:
    gone = visit.versions(deleted=True)
    visit.vault.secrets[:] = [one for one in visit.vault.secrets if one not in gone]


def _recover(visit: Visit) -> dict[str, Any]:
    versions = visit.versions(deleted=True)
    for one in versions:
        one.deleted_on = None
    return _item(visit, versions[-1], with_version=True)


def _back_up(visit: Visit) -> dict[str, Any]:
    """All versions as one text, which only a vault can read. The real one seals it; here it is merely encoded."""
    text = json.dumps([plain(one) for one in visit.versions()])
    return {"value": base64url(text.encode())}


def _restore(visit: Visit) -> dict[str, Any]:
    """The secret of a backup, unless there is one of its name."""
    try:
        entries = json.loads(from_base64url(str(visit.body["value"])))
        given = [config.read(entry, VaultSecret) for entry in entries]
        name = given[-1].name
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Refusal(400, "BadParameter", "The request body has no backup of a secret as its value.") from None
    _check_free(visit, name)
    if any(one.name.lower() == name.lower() for one in visit.vault.secrets):
        raise Refusal(409, "Conflict", f"There is a secret {name} in this key vault already.")
    visit.vault.secrets += given
    return _item(visit, given[-1], with_version=True)


def _bundle(visit: Visit, secret: VaultSecret) -> dict[str, Any]:
    return {"value": secret.value, **_item(visit, secret, with_version=True)}


def _item(visit: Visit, secret: VaultSecret, *, with_version: bool = False) -> dict[str, Any]:
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
    return {**item, "id": f"{visit.base}/secrets/{secret.name}{tail}", "attributes": attributes, "tags": secret.tags}


def _described(body: Any) -> dict[str, Any]:
    """The fields that a body names: whether a version is enabled, its times, kind of content and tags.

    :raises Refusal: 400 for what cannot be.
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


def _tags(given: Any) -> dict[str, str]:
    """At most 15, names and values of at most 256 characters (about-keys-secrets-certificates).

    :raises Refusal: 400 for others.
    """
    fits = isinstance(given, dict) and len(given) <= _MOST_TAGS
    if not fits or not all(isinstance(one, str) and len(one) <= 256 for pair in given.items() for one in pair):
        raise Refusal(400, "BadParameter", "Tags have to be up to 15 texts of up to 256 characters.")
    return dict(given)


def _deletion(visit: Visit, secret: VaultSecret) -> dict[str, Any]:
    deleted_on = int(secret.deleted_on or visit.now)
    return {
        "recoveryId": f"{visit.base}/deletedsecrets/{secret.name}",
        "deletedDate": deleted_on,
        "scheduledPurgeDate": deleted_on + _KEPT_IN,
    }


# Clients end the path of the newest version with a slash.
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

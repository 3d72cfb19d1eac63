"""Key Vault: secrets, with the challenge by which a client learns whom to ask for a token.

Source: learn.microsoft.com/rest/api/keyvault/secrets and learn.microsoft.com/azure/key-vault/general/authentication-
requests-and-responses. A vault is at https://NAME.vault.azure.net, on localhost at /vault/NAME.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.clouds import public
from entra_emulator.model import Tenant, Vault, new_id
from entra_emulator.resources import KEY_VAULT
from entra_emulator.routing import Handler, Route, route
from entra_emulator.vaults import VaultSecret
from entra_emulator.web import json_answer, read_body

from .bearer import BadToken, Caller, check

_PAGE = 25
_MOST_TAGS = 15
_KEPT_IN = 90 * 86_400  # how long what was deleted can be recovered


class Refusal(Exception):
    """An error answer of Key Vault. `inner`: a code that says more."""

    def __init__(self, status: int, code: str, message: str, inner: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.inner = status, code, message, inner


@dataclass(frozen=True)
class Visit:
    """One request to a vault. `base` is the vault's URL as the caller wrote it."""

    request: Request
    vault: Vault
    base: str
    now: float
    body: Any

    @property
    def name(self) -> str:
        """The secret the path names."""
        return str(self.request.path_params.get("secret", ""))

    def versions(self, *, deleted: bool = False) -> list[VaultSecret]:
        """The versions of the secret, oldest first.

        :raises Refusal: 404 if there is none.
        """
        found = [one for one in self.vault.secrets if one.name.lower() == self.name.lower()]
        found = [one for one in found if (one.deleted_on is not None) == deleted]
        if not found:
            what = "deleted secret" if deleted else "secret"
            message = f"A {what} with (name/id) {self.name} was not found in this key vault."
            raise Refusal(404, "SecretNotFound", message)
        return found


Call = Callable[[Visit], dict[str, Any] | None]


def routes() -> list[Route]:
    """Its routes, by host and on localhost by path. Clients end the path of the newest version with a slash."""
    calls: list[tuple[str, str, Call]] = [
        ("GET", "/secrets", _list),
        ("PUT", "/secrets/{secret}", _set),
        ("DELETE", "/secrets/{secret}", _delete),
        ("GET", "/secrets/{secret}/versions", _list_versions),
        ("GET", "/secrets/{secret}", _get),
        ("GET", "/secrets/{secret}/", _get),
        ("GET", "/secrets/{secret}/{version}", _get),
        ("GET", "/deletedsecrets", _list_deleted),
        ("GET", "/deletedsecrets/{secret}", _get_deleted),
        ("DELETE", "/deletedsecrets/{secret}", _purge),
        ("POST", "/deletedsecrets/{secret}/recover", _recover),
    ]
    bases = ("", "/{vault}")
    return [route(method, base + path, _endpoint(call)) for base in bases for method, path, call in calls]


def _endpoint(call: Call) -> Handler:
    async def handle(request: Request) -> Response:
        world = request.state.world
        headers = [("x-ms-request-id", new_id()), ("Cache-Control", "no-cache")]
        try:
            tenant, vault = _vault(request)
            caller = _caller(request, tenant)
            _check_access(caller, vault)
            body = _json(await read_body(request))
            answer = call(Visit(request, vault, _base(request, vault), world.clock.now(), body))
        except Refusal as problem:
            error: dict[str, Any] = {"code": problem.code, "message": problem.message}
            if problem.inner:
                error["innererror"] = {"code": problem.inner}
            if problem.status == 401:
                headers.append(("WWW-Authenticate", _challenge(request)))
            return json_answer(world, {"error": error}, problem.status, headers)
        return json_answer(world, answer, 204 if answer is None else 200, headers)

    return handle


def _name(request: Request) -> str:
    """The vault's name: in the path on localhost, else the first label of the host."""
    if request.state.site.local_port:
        return str(request.path_params.get("vault", ""))
    return request.headers.get("host", "").partition(".")[0]


def _base(request: Request, vault: Vault) -> str:
    if request.state.site.local_port:
        return f"{request.state.site.base}/{vault.name}"
    return f"https://{request.headers.get('host', '')}"


def _vault(request: Request) -> tuple[Tenant, Vault]:
    name = _name(request).lower()
    for tenant in request.state.world.state.tenants.values():
        for vault in tenant.vaults:
            if vault.name.lower() == name:
                return tenant, vault
    raise Refusal(404, "VaultNotFound", f"The emulator has no key vault '{name}'.")


def _challenge(request: Request) -> str:
    """Whom to ask for a token, and for what. The first 401 of every client of Key Vault."""
    tenant, _ = _vault(request)
    site = request.state.site
    resource = f"https://{(site.cloud if not site.local_port else public()).vault[0]}"
    return f'Bearer authorization="{site.authority}/{tenant.id}", resource="{resource}"'


def _caller(request: Request, tenant: Tenant) -> Caller:
    try:
        caller = check(request, KEY_VAULT)
    except BadToken as problem:
        raise Refusal(401, "Unauthorized", _words(problem)) from None
    if caller.tenant is not tenant:
        expected, found = f"https://sts.windows.net/{tenant.id}/", caller.claims["iss"]
        raise Refusal(401, "Unauthorized", f"AKV10032: Invalid issuer. Expected one of {expected}, found {found}.")
    return caller


def _words(problem: BadToken) -> str:
    if problem.fault == "missing":
        return "AKV10000: Request is missing a Bearer or PoP token."
    if problem.fault == "audience":
        return f"AKV10022: Invalid audience. Expected https://vault.azure.net, found: {problem.claims.get('aud')}."
    if problem.fault == "malformed":
        return "AKV10046: Unable to resolve the key used for signature validation."
    return f"The token is not accepted: {problem.fault}."


def _check_access(caller: Caller, vault: Vault) -> None:
    delegated = caller.app_only or "user_impersonation" in caller.permissions
    if not delegated or not caller.names & {name.lower() for name in vault.users}:
        message = f"Caller is not authorized to perform action on resource.\r\nVault: {vault.name}"
        raise Refusal(403, "Forbidden", message, "ForbiddenByRbac")


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        raise Refusal(400, "BadParameter", "The body is no JSON.") from None


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


def _get(visit: Visit) -> dict[str, Any]:
    versions = visit.versions()
    wanted = str(visit.request.path_params.get("version", ""))
    found = [one for one in versions if wanted in ("", one.version)]
    if not found:
        message = f"A secret with (name/id) {visit.name}/{wanted} was not found in this key vault."
        raise Refusal(404, "SecretNotFound", message)
    secret = found[-1]
    if not secret.enabled:
        raise Refusal(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")
    return _bundle(visit, secret)


def _set(visit: Visit) -> dict[str, Any]:
    body = visit.body
    if not isinstance(body, dict) or not isinstance(body.get("value"), str):
        raise Refusal(400, "BadParameter", "The request body has no text as its value.")
    if any(one.deleted_on is not None and one.name.lower() == visit.name.lower() for one in visit.vault.secrets):
        message = f"Secret {visit.name} is currently in a deleted but recoverable state, and its name cannot be reused."
        raise Refusal(409, "Conflict", message, "ObjectIsDeletedButRecoverable")
    attributes = body.get("attributes") or {}
    secret = VaultSecret(
        name=visit.name,
        value=body["value"],
        enabled=attributes.get("enabled", True) is not False,
        content_type=str(body.get("contentType") or ""),
        created_on=visit.now,
        expires_on=attributes.get("exp"),
        not_before_on=attributes.get("nbf"),
        tags=_tags(body.get("tags") or {}),
    )
    visit.vault.secrets.append(secret)
    return _bundle(visit, secret)


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


def _bundle(visit: Visit, secret: VaultSecret) -> dict[str, Any]:
    return {"value": secret.value, **_item(visit, secret, with_version=True)}


def _item(visit: Visit, secret: VaultSecret, *, with_version: bool = False) -> dict[str, Any]:
    tail = f"/{secret.version}" if with_version else ""
    attributes: dict[str, Any] = {"enabled": secret.enabled}
    if secret.not_before_on is not None:
        attributes["nbf"] = int(secret.not_before_on)
    if secret.expires_on is not None:
        attributes["exp"] = int(secret.expires_on)
    moment = int(secret.created_on)
    attributes |= {
        "created": moment,
        "updated": moment,
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": 90,
    }
    item: dict[str, Any] = {"contentType": secret.content_type} if secret.content_type else {}
    return {**item, "id": f"{visit.base}/secrets/{secret.name}{tail}", "attributes": attributes, "tags": secret.tags}


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

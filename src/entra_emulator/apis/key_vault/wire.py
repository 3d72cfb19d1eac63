"""The functions that all of Key Vault's calls share: find the vault, check access, challenge, and format refusals.

Source: learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses. A client learns from the
challenge which authority issues the token.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.apis.bearer import BadToken, Caller, check
from entra_emulator.clouds import public
from entra_emulator.model import Tenant, Vault, new_id
from entra_emulator.resources import KEY_VAULT
from entra_emulator.routing import Handler
from entra_emulator.vaults import VaultSecret
from entra_emulator.web import json_response, read_body


class Refusal(Exception):
    """An error response of Key Vault. `inner`: a more specific code."""

    def __init__(self, status: int, code: str, message: str, inner: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.inner = status, code, message, inner


@dataclass(frozen=True)
class VaultRequest:
    """One request to a vault. `base` is the vault's URL in the request."""

    request: Request
    vault: Vault
    base: str
    now: float
    body: Any

    @property
    def name(self) -> str:
        """The name of the secret in the path."""
        return str(self.request.path_params.get("secret", ""))

    def versions(self, *, deleted: bool = False) -> list[VaultSecret]:
        """Return the versions of the secret, oldest first.

        :raises Refusal: 404 if it has none.
        """
        found = [secret for secret in self.vault.secrets if secret.name.lower() == self.name.lower()]
        found = [secret for secret in found if (secret.deleted_on is not None) == deleted]
        if not found:
            noun = "deleted secret" if deleted else "secret"
            message = f"A {noun} with (name/id) {self.name} was not found in this key vault."
            raise Refusal(404, "SecretNotFound", message)
        return found


Call = Callable[[VaultRequest], dict[str, Any] | None]


def endpoint(call: Call) -> Handler:
    """Return a handler that finds the vault, checks the caller and responds, or refuses, in Key Vault's form."""

    async def handle(request: Request) -> Response:
        world = request.state.world
        headers = [("x-ms-request-id", new_id()), ("Cache-Control", "no-cache")]
        try:
            tenant, vault = _vault(request)
            caller = _caller(request, tenant)
            _check_access(caller, vault)
            body = _json(await read_body(request))
            answer = call(VaultRequest(request, vault, _base(request, vault), world.clock.now(), body))
        except Refusal as problem:
            error: dict[str, Any] = {"code": problem.code, "message": problem.message}
            if problem.inner:
                error["innererror"] = {"code": problem.inner}
            if problem.status == 401:
                headers.append(("WWW-Authenticate", _challenge(request)))
            return json_response(world, {"error": error}, problem.status, headers)
        return json_response(world, answer, 204 if answer is None else 200, headers)

    return handle


def _name(request: Request) -> str:
    """Return the vault's name: on localhost from the path, else the first label of the host."""
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
    """Return the challenge, which names the authority and the resource. Every client of Key Vault starts with it."""
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

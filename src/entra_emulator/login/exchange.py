"""One request to the sign-in service: its ids, its form, and the format of every response."""

import contextlib
import functools
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import timestamp
from entra_emulator.ids import new_id, opaque
from entra_emulator.model import App, Tenant
from entra_emulator.parameters import Parameters
from entra_emulator.state import as_guid
from entra_emulator.web import dated, read_body
from entra_emulator.world import Site, World

RETRY_AFTER_IN = 60  # as in the recorded 429
_MOST_FIELDS = 200
CROSS_ORIGIN = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "POST, OPTIONS"),
    ("Access-Control-Expose-Headers", "Content-Length,Content-Encoding,x-ms-request-id,x-ms-srs"),
)
_SERVER = "2.1.24000.0 - LOCAL ProdSlices"


@dataclass(frozen=True)
class Client:
    """The requesting application, and how it authenticated: "0" not at all, "1" by secret, "2" by certificate."""

    app: App
    proof: str


@dataclass
class Exchange:
    """A request in the form that handlers use. `token_age_in`: age of the refresh token used, for x-ms-clitelem.

    `issuer_keys`: the keys that the issuer of a federated assertion publishes, None if they are unavailable.
    `allowed_tenants`: the header by which a network restricts tenants.
    `nonce`: of the authorization request, for the ID token.
    `version`: of the endpoint. `address`: the IP address the request comes from.
    `asked_id`: the client-request-id header, if it is a GUID.
    """

    world: World
    site: Site
    client_request_id: str | None = None
    trace_id: str = field(default_factory=new_id)
    form: Parameters = field(default_factory=lambda: Parameters("token"))
    authorization: str = ""
    origin: str = ""
    tenant_name: str = ""
    token_age_in: float | None = None
    issuer_keys: list[RSAKey] | None = None
    nonce: str = ""
    allowed_tenants: str = ""
    version: int = 2
    address: str = ""

    @classmethod
    def of(cls, request: Request) -> "Exchange":
        """Return a new exchange for the request; its form is not read yet."""
        sent = {name: value.decode("latin-1") for name, value in request.headers.raw}
        state = request.scope["state"]
        return cls(
            world=state["world"],
            site=state["site"],
            client_request_id=as_guid(sent.get(b"client-request-id", "")),
            authorization=sent.get(b"authorization", ""),
            origin=sent.get(b"origin", ""),
            tenant_name=request.path_params.get("tenant", ""),
            allowed_tenants=sent.get(b"restrict-access-to-tenants", ""),
            version=state.get("version", 2),
            address=_address(sent.get(b"x-forwarded-for", "")) or state["world"].state.settings.address,
        )

    @functools.cached_property
    def correlation_id(self) -> str:
        """The client's own id of the request, else a generated one."""
        return self.client_request_id or new_id()

    @property
    def realm(self) -> str | None:
        """The cloud whose tenants exist here."""
        return self.site.realm

    def tenant(self) -> Tenant | None:
        """Return the tenant in the path; None for common and organizations, which name none.

        :raises EntraError: 900023 for text that is neither GUID nor domain, 90002 for an unknown tenant, 5000224 for a
            disabled one.
        """
        name = self.tenant_name
        found = self.world.state.tenant(name, self.realm)
        if self.site.of_tenant and not (found and found.serves(self.site.host)):
            raise EntraError(90002, tenant=name)
        if name.lower() in ("common", "organizations"):
            return None
        if found:
            if not found.enabled:
                raise EntraError(5000224)
            return found
        if as_guid(name.lower()) or "." in name or name.lower() == "consumers":
            raise EntraError(90002, tenant=name)
        raise EntraError(900023, tenant=name)

    async def read_form(self, request: Request, endpoint: str = "token") -> None:
        """Read a form body. A body of another type has no parameters, as for Entra; one without a type is a form.

        azure-identity for Java requests device codes without Content-Type.

        :raises EntraError: 9000411 for a parameter that occurs twice.
        """
        self.form = Parameters(endpoint)
        raw = await read_body(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("", "application/x-www-form-urlencoded"):
            self.form = Parameters.of(endpoint, _pairs(raw))

    def read_query(self, request: Request, endpoint: str) -> None:
        """Read the parameters of the URL instead of a form.

        :raises EntraError: 9000411 for a parameter that occurs twice.
        """
        self.form = Parameters(endpoint)
        self.form = Parameters.of(endpoint, _pairs(request.scope["query_string"]))

    async def read_form_or_query(self, request: Request, endpoint: str) -> None:
        """Read the form of a POST, the query of a GET.

        :raises EntraError: 9000411 for a parameter that occurs twice.
        """
        if request.method == "POST":
            await self.read_form(request, endpoint)
        else:
            self.read_query(request, endpoint)

    def required(self, name: str) -> str:
        """Return a parameter's value.

        :raises EntraError: 900144 if it is missing or blank.
        """
        return self.form.required(name)

    @property
    def grant_type(self) -> str:
        """The grant in use; a sign-in in the browser is the authorization code's."""
        return self.form.get("grant_type") if self.form.endpoint.name == "token" else "authorization_code"

    def log_fields(self) -> dict[str, Any]:
        """Return the parameters for the request log: their names, and the values that are not secret."""
        named = [name for name in ("grant_type", "client_id", "scope") if name in self.form.endpoint.read]
        return {
            "form": tuple(self.form),
            "unknown": self.form.unknown,
            "tenant": self.tenant_name,
            **{name: self.form.get(name) or None for name in named},
        }

    def capabilities(self) -> tuple[str, ...]:
        """`xms_cc` of the claims parameter: the client's capabilities (`cp1`: it handles claims challenges)."""
        return self._requested("xms_cc")

    def contexts(self) -> tuple[str, ...]:
        """`acrs` of the claims parameter: the authentication contexts that an API's claims challenge requires."""
        return self._requested("acrs")

    def methods(self) -> tuple[str, ...]:
        """`amr` of the claims parameter: how the user must have signed in, such as `mfa`."""
        return self._requested("amr")

    def _requested(self, claim: str) -> tuple[str, ...]:
        """Return the requested values of one claim of the access token (OpenID Connect Core section 5.5.1)."""
        with contextlib.suppress(EntraError, LookupError, TypeError, AttributeError):
            wanted = claims_request(self.form)["access_token"][claim]
            values = wanted.get("values") or [wanted["value"]]
            return tuple(str(value) for value in values)
        return ()

    def response(self, body: Mapping[str, Any], status: int = 200, code: int = 0) -> Response:
        """Return a token endpoint response, with the headers that Entra sends."""
        headers = [
            ("Cache-Control", "no-store, no-cache"),
            ("Pragma", "no-cache"),
            ("Content-Type", "application/json; charset=utf-8"),
            ("Expires", "-1"),
            *self.common_headers(),
            *(CROSS_ORIGIN if self.origin else ()),
            ("x-ms-clitelem", self._telemetry(code)),
            ("Set-Cookie", f"fpc={opaque(24)}; path=/; secure; HttpOnly; SameSite=None"),
            ("Set-Cookie", "x-ms-gateway-slice=estsfd; path=/; secure; samesite=none; httponly"),
            ("Set-Cookie", "stsservicecookie=estsfd; path=/; secure; samesite=none; httponly"),
        ]
        if status == 429:
            headers.append(("Retry-After", str(RETRY_AFTER_IN)))
        return dated(self.world, json.dumps(body).encode(), status, headers)

    def common_headers(self) -> list[tuple[str, str]]:
        """Return the headers of every response of the sign-in service.

        Strict-Transport-Security is left out on localhost: with it, a browser would refuse http://localhost for all of
        a developer's other programs.
        """
        headers = [
            ("X-Content-Type-Options", "nosniff"),
            ("P3P", 'CP="DSP CUR OTPi IND OTRi ONL FIN"'),
            ("x-ms-request-id", self.trace_id),
            ("x-ms-ests-server", _SERVER),
            ("x-ms-srs", "1.P"),
            ("X-XSS-Protection", "0"),
        ]
        if not self.site.local_port:
            headers.insert(0, ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"))
        if self.client_request_id:
            headers.append(("client-request-id", self.client_request_id))
        return headers

    def _telemetry(self, code: int) -> str:
        """Return x-ms-clitelem: version, error, suberror number, refresh token's age in milliseconds, SPE ring."""
        age = "" if self.token_age_in is None else f"{self.token_age_in * 1000:.4f}"
        return f"1,{code},0,{age},"

    def error_body(self, problem: EntraError, error: str | None = None) -> dict[str, object]:
        """Return the JSON body of a refusal."""
        separator = "\r\n" if self.world.state.settings.description_separator == "crlf" else " "
        facts = {
            "trace_id": self.trace_id,
            "correlation_id": self.correlation_id,
            "timestamp": timestamp(self.world.clock.now()),
            "authority": f"https://{self.site.host or self.site.cloud.login[0]}",
        }
        return problem.body(facts, separator=separator, error=error)


def claims_request(form: Parameters) -> dict[str, Any]:
    """Return the claims parameter (OpenID Connect Core section 5.5); empty without one.

    :raises EntraError: 90100 if it is not a JSON object.
    """
    text = form.get("claims")
    if not text:
        return {}
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise EntraError(90100, parameter="claims")
    return request


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    """Return names and values of a form; none if it has more of them than any grant."""
    try:
        return parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []


def _address(forwarded_for: str) -> str:
    """Return the first address in X-Forwarded-For, '' without one; the state then gives the address."""
    claimed = forwarded_for.partition(",")[0].strip()
    if claimed:
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(claimed))
    return ""

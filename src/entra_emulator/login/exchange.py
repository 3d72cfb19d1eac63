"""One request to the sign-in service: its ids, its form, and the shape of every answer."""

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

RETRY_AFTER_IN = 60  # what the recorded 429 says
_MOST_FIELDS = 200
CROSS_ORIGIN = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "POST, OPTIONS"),
    ("Access-Control-Expose-Headers", "Content-Length,Content-Encoding,x-ms-request-id,x-ms-srs"),
)
_SERVER = "2.1.24000.0 - LOCAL ProdSlices"


@dataclass(frozen=True)
class Client:
    """The application that asks, and how it proved itself: "0" not at all, "1" by secret, "2" by certificate."""

    app: App
    proof: str


@dataclass
class Exchange:
    """What a handler needs to know of its request. `token_age_in`: age of the refresh token used, for x-ms-clitelem.

    `issuer_keys`: what the issuer of a federated assertion publishes, None where it could not be had.
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
        """The exchange a request begins; its form is not read yet."""
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
        """The client's own id of the request, else one made for it."""
        return self.client_request_id or new_id()

    @property
    def realm(self) -> str | None:
        """The cloud whose tenants exist here."""
        return self.site.realm

    def tenant(self) -> Tenant | None:
        """The tenant in the path; None for common and organizations, which leave it open.

        :raises EntraError: 900023 for text that is neither GUID nor domain, 90002 for a tenant that is not there,
            5000224 for one that is switched off.
        """
        name = self.tenant_name
        if name.lower() in ("common", "organizations"):
            return None
        if found := self.world.state.tenant(name, self.realm):
            if not found.enabled:
                raise EntraError(5000224)
            return found
        if as_guid(name.lower()) or "." in name or name.lower() == "consumers":
            raise EntraError(90002, tenant=name)
        raise EntraError(900023, tenant=name)

    async def read_form(self, request: Request, endpoint: str = "token") -> None:
        """Read a form body. A body that is not form-encoded has no parameters, as for Entra.

        :raises EntraError: 9000411 for a parameter that occurs twice.
        """
        self.form = Parameters(endpoint)
        raw = await read_body(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/x-www-form-urlencoded":
            self.form = Parameters.of(endpoint, _pairs(raw))

    def read_query(self, request: Request, endpoint: str) -> None:
        """Read the parameters of the URL in place of a form.

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
        """A parameter's value.

        :raises EntraError: 900144 if it is missing or blank.
        """
        return self.form.required(name)

    @property
    def grant_type(self) -> str:
        """The grant in use; a sign-in in the browser is the authorization code's."""
        return self.form.get("grant_type") if self.form.endpoint.name == "token" else "authorization_code"

    def log_fields(self) -> dict[str, Any]:
        """What the request log holds of the parameters: their names, and the values that are not secret."""
        named = [name for name in ("grant_type", "client_id", "scope") if name in self.form.endpoint.read]
        return {
            "form": tuple(self.form),
            "unknown": self.form.unknown,
            "tenant": self.tenant_name,
            **{name: self.form.get(name) or None for name in named},
        }

    def capabilities(self) -> tuple[str, ...]:
        """`xms_cc` of the claims parameter: what the client says it can do (`cp1`: handle claims challenges)."""
        return self._requested("xms_cc")

    def contexts(self) -> tuple[str, ...]:
        """`acrs` of the claims parameter: the authentication contexts an API asked for in its claims challenge."""
        return self._requested("acrs")

    def _requested(self, claim: str) -> tuple[str, ...]:
        """The value or values asked for of one claim of the access token (OpenID Connect Core section 5.5.1)."""
        with contextlib.suppress(EntraError, LookupError, TypeError, AttributeError):
            wanted = claims_request(self.form)["access_token"][claim]
            values = wanted.get("values") or [wanted["value"]]
            return tuple(str(value) for value in values)
        return ()

    def response(self, body: Mapping[str, Any], status: int = 200, code: int = 0) -> Response:
        """A token endpoint answer, with the headers Entra sends."""
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
        """What every answer of the sign-in service carries.

        Strict-Transport-Security is left out on localhost: a browser would then refuse plain http://localhost for all
        of a developer's other work.
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
        """x-ms-clitelem: version, error, suberror number, age of the refresh token in milliseconds, SPE ring."""
        age = "" if self.token_age_in is None else f"{self.token_age_in * 1000:.4f}"
        return f"1,{code},0,{age},"

    def error_body(self, problem: EntraError, error: str | None = None) -> dict[str, object]:
        """The JSON body of a refusal."""
        separator = "\r\n" if self.world.state.settings.description_separator == "crlf" else " "
        facts = {
            "trace_id": self.trace_id,
            "correlation_id": self.correlation_id,
            "timestamp": timestamp(self.world.clock.now()),
            "authority": f"https://{self.site.host or self.site.cloud.login[0]}",
        }
        return problem.body(facts, separator=separator, error=error)


def claims_request(form: Parameters) -> dict[str, Any]:
    """The claims parameter (OpenID Connect Core section 5.5); empty without one.

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
    """Names and values of a form; none if there are more of them than any grant has."""
    try:
        return parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []


def _address(forwarded_for: str) -> str:
    """The first address in X-Forwarded-For; empty if there is none: then all come from where the state says."""
    claimed = forwarded_for.partition(",")[0].strip()
    if claimed:
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(claimed))
    return ""

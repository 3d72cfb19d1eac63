"""`client.partner()`: a partner's functions, blocking and under asyncio, from one set of coroutines."""

from __future__ import annotations

from mstoken.hidden import HiddenDict
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping, Sequence

    from mstoken.client.base import ClientBase
    from mstoken.flows.store_port import SignInInfo
    from mstoken.model import Token
    from mstoken.partner.billing import BillingExport, OnFile
    from mstoken.partner.consents import Consent
    from mstoken.partner.customers import Customer
    from mstoken.partner.diagnosis import Check, Diagnosis
    from mstoken.partner.mfa import MfaCheck
    from mstoken.rest.batch import BatchResult
    from mstoken.rest.response import ApiResponse

T = TypeVar("T")


class Partner:
    """What `Client.partner` returns: a partner's functions with the identity of that client. docs/partners.md."""

    def __init__(self, client: ClientBase) -> None:
        self._client = client

    def customers(self, *, resellers: bool = False) -> Iterator[Customer]:
        """Return an iterator of the customers with an active relationship (GDAP), each once.

        With `resellers`, those follow that Partner Center lists and that have none. Needs
        DelegatedAdminRelationship.Read.All in the partner's tenant. Raises what `Client.items` raises.
        """
        from mstoken.partner.customers import customers

        found: Iterator[Customer] = self._port.iterate(customers(self._api(), resellers=resellers))
        return found

    def check_mfa(self) -> MfaCheck:
        """Return whether the sign-in has the multi-factor authentication that Partner Center requires.

        It reads `amr` of the token, and asks Partner Center. Raises what `Client.request` raises.
        """
        from mstoken.partner.mfa import check_mfa

        return self._run(check_mfa(self._api()))

    def own_grants(self) -> dict[str, tuple[str, ...]]:
        """Return the delegated permissions that the application has in the partner's tenant, by resource.

        Those of Partner Center and of APIs of your tenant alone are left out. Needs Directory.Read.All. Raises
        UsageError if there are none.
        """
        from mstoken.partner.grants import own_grants

        return self._run(own_grants(self._api()))

    def consent(
        self,
        tenant: str,
        grants: Mapping[str, Sequence[str]] | None = None,
        *,
        roles: Mapping[str, Sequence[str]] | None = None,
        replace: bool = False,
    ) -> Consent:
        """Consent to the application in a customer's tenant (id or domain); doing it twice changes nothing.

        `grants` are delegated permissions by service or application id, `{"graph": ["User.Read.All"]}`; without it,
        those of `own_grants`. `roles` are the application's own, which are assigned through Graph in the customer's
        tenant: that needs Application.Read.All and AppRoleAssignment.ReadWrite.All among its grants. A consent that
        lacks some of `grants` is an error, unless `replace`: then it is removed first, with all that is in it. Cached
        tokens of the tenant are deleted; clients that you made with `for_tenant` keep theirs.

        Raises ApiRefused, UsageError for unknown names, and what `Client.request` raises.
        """
        from mstoken.partner.consents import consent

        return self._run(consent(self._api(), tenant, grants, roles, replace=replace))

    def doctor(self, tenant: str) -> Diagnosis:
        """Return what prevents this identity from working in a customer's tenant (id or domain): see `Diagnosis`.

        It looks at the stored sign-in and its MFA, the relationship (GDAP) and its end, consent, Conditional Access,
        and the roles of the relationship. What fails is a check with its remedy and is not raised; StoreError is.
        """
        from mstoken.partner.diagnosis import diagnose

        return self._run(diagnose(self._api(), tenant))

    def sign_in_checks(self) -> list[Check]:
        """Return the checks of `doctor` that all tenants share: the stored sign-in and its MFA. Raises StoreError."""
        from mstoken.partner.diagnosis import sign_in_checks

        return self._run(sign_in_checks(self._api()))

    def tenant_checks(self, tenant: str) -> Diagnosis:
        """Return the checks of `doctor` that belong to the tenant. Raises StoreError."""
        from mstoken.partner.diagnosis import tenant_checks

        return self._run(tenant_checks(self._api(), tenant))

    def export_billing(
        self,
        kind: str,
        folder: str,
        *,
        invoice: str = "",
        currency: str = "",
        period: str = "",
        attributes: str = "full",
        on_file: OnFile | None = None,
    ) -> BillingExport:
        """Export your billing data to `folder`: begin the export, wait for it, and download its files.

        `kind` is `unbilled-usage`, `billed-usage`, `unbilled-reconciliation` or `billed-reconciliation`. Billed ones
        need the number of the `invoice`, the others `currency` (`USD`) and `period`, `current` or `last`. `attributes`
        is `full` or `basic`. The files are lines of JSON, compressed with gzip, and come from a storage account that
        gets no token. Files of the same version that are in the folder already are not fetched again. `on_file` gets
        the number of files that are there, and of all. Needs PartnerBilling.Read.All.

        Raises UsageError, ApiRefused if the export failed, and what `Client.request` and `Client.download` raise.
        """
        from mstoken.partner.billing import export_billing

        given = {"invoice": invoice, "currency": currency, "period": period}
        return self._run(export_billing(self._api(), kind, folder, given, attributes, on_file))

    @property
    def _port(self) -> Any:
        return self._client._port()  # noqa: SLF001 - the other half of the client

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        result: T = self._port.run(work)
        return result

    def _api(self) -> _Api:
        return _Api(self._client, self._port)


class AsyncPartner:
    """As `Partner`, for asyncio."""

    def __init__(self, client: ClientBase, running_port: Callable[[], Any]) -> None:
        self._client, self._running_port = client, running_port

    async def customers(self, *, resellers: bool = False) -> AsyncGenerator[Customer, None]:
        """As `Partner.customers`, for `async for`."""
        from contextlib import aclosing

        from mstoken.partner.customers import customers

        async with aclosing(customers(self._api(), resellers=resellers)) as found:
            async for customer in found:
                yield customer

    async def check_mfa(self) -> MfaCheck:
        """As `Partner.check_mfa`."""
        from mstoken.partner.mfa import check_mfa

        return await check_mfa(self._api())

    async def own_grants(self) -> dict[str, tuple[str, ...]]:
        """As `Partner.own_grants`."""
        from mstoken.partner.grants import own_grants

        return await own_grants(self._api())

    async def consent(
        self,
        tenant: str,
        grants: Mapping[str, Sequence[str]] | None = None,
        *,
        roles: Mapping[str, Sequence[str]] | None = None,
        replace: bool = False,
    ) -> Consent:
        """As `Partner.consent`."""
        from mstoken.partner.consents import consent

        return await consent(self._api(), tenant, grants, roles, replace=replace)

    async def doctor(self, tenant: str) -> Diagnosis:
        """As `Partner.doctor`."""
        from mstoken.partner.diagnosis import diagnose

        return await diagnose(self._api(), tenant)

    async def sign_in_checks(self) -> list[Check]:
        """As `Partner.sign_in_checks`."""
        from mstoken.partner.diagnosis import sign_in_checks

        return await sign_in_checks(self._api())

    async def tenant_checks(self, tenant: str) -> Diagnosis:
        """As `Partner.tenant_checks`."""
        from mstoken.partner.diagnosis import tenant_checks

        return await tenant_checks(self._api(), tenant)

    async def export_billing(
        self,
        kind: str,
        folder: str,
        *,
        invoice: str = "",
        currency: str = "",
        period: str = "",
        attributes: str = "full",
        on_file: OnFile | None = None,
    ) -> BillingExport:
        """As `Partner.export_billing`."""
        from mstoken.partner.billing import export_billing

        given = {"invoice": invoice, "currency": currency, "period": period}
        return await export_billing(self._api(), kind, folder, given, attributes, on_file)

    def _api(self) -> _Api:
        return _Api(self._client, self._running_port())


class _Api:
    """`partner.api.PartnerApi` over a client and its port."""

    def __init__(self, client: ClientBase, port: Any) -> None:
        self._client, self._port = client, port
        self.tenant, self.client_id = client.authority.tenant, client.client_id
        self.acts_for_user = client.credential.acts_for_user
        self.cloud = client.cloud.name

    def _in(self, tenant: str) -> ClientBase:
        return self._client.for_tenant(tenant) if tenant else self._client

    async def request(
        self,
        method: str,
        url: str,
        *,
        tenant: str = "",
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> ApiResponse:
        from mstoken.client.api_calls import api_call
        from mstoken.rest.call import call

        made = api_call(self._in(tenant), method, url, _options(json=json, headers=headers, params=params))
        return await call(made.api, made.token_request, self._port, made.context)

    async def items(
        self, url: str, *, tenant: str = "", params: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Any, None]:
        from contextlib import aclosing

        from mstoken.client.api_calls import api_call
        from mstoken.rest.paged_calls import items_of, pages

        made = api_call(self._in(tenant), "GET", url, _options(params=params))
        async with aclosing(pages(made.api, made.token_request, self._port, made.context)) as found:
            async for page in found:
                for item in items_of(page):
                    yield item

    async def batch(self, urls: Sequence[str], *, tenant: str) -> list[BatchResult]:
        from mstoken.client.batch_parts import batch_parts
        from mstoken.rest.batch_calls import batches

        parts = batch_parts(self._in(tenant), urls, _options(), self._port.request_id)
        return [result async for result in batches(parts, self._port, every_page=True, max_pages=None)]

    async def wait(self, began: ApiResponse) -> ApiResponse:
        from mstoken.client.api_calls import waiting_call
        from mstoken.rest.operation_calls import await_operation

        response, token_request, policy = waiting_call(self._client, began, "", "", None, None)
        return await await_operation(response, token_request, self._port, policy)

    async def download(self, url: str, path: str, place: str) -> ApiResponse:
        from mstoken.rest.api_request import ApiRequest
        from mstoken.rest.download_calls import download
        from mstoken.rest.redirects import resolved
        from mstoken.urls import encoded_url

        resolved(place, place)  # to be secure
        api = ApiRequest("GET", encoded_url(url), anonymous=True, line=f"GET {place}")
        return await download(api, self._client.token_request("graph"), self._port, {}, path)

    async def on_disk(self, work: Callable[[], T]) -> T:
        done: T = await self._port.call(work)
        return done

    async def token(self, scope: str, *, tenant: str = "", fresh: bool = False) -> Token:
        token: Token = await self._port.token(self._in(tenant).token_request(scope, fresh=fresh))
        return token

    async def tenant_id(self, name: str) -> str:
        from mstoken.partner.tenant_ids import tenant_id

        found: str = await tenant_id(name, self._client.authority.for_tenant(name), self._port)
        return found

    async def forget_tokens(self, tenant: str) -> None:
        from mstoken.model import TokenInfo

        await self._port.forget_tokens(TokenInfo(tenant=tenant, client_id=self.client_id))

    async def sign_in(self) -> SignInInfo | None:
        from mstoken.credentials import RefreshToken

        credential = self._client.credential
        if not isinstance(credential, RefreshToken):
            return None
        found: SignInInfo | None = await self._port.sign_in_info(credential.store_key)
        return found

    def resource(self, name: str) -> str:
        from mstoken.partner.grants import resource_id

        return resource_id(name, self._client.target)

    def now(self) -> float:
        now: float = self._port.now()
        return now


def _options(**given: Any) -> HiddenDict:
    """Return the options of `Client.request` that a partner's calls use, the others as usual."""
    usual = {
        "scope": "", "origin": "", "headers": None, "body": b"", "json": None, "params": None, "timeout": None,
        "retries": None, "max_wait": None, "retry_unsafe": False, "follow_tenant": False,
    }  # fmt: skip
    return HiddenDict({**usual, **given})

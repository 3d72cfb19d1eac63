"""A sign-in in the browser, page by page: password, second factor, terms of use, consent.

The rules are those of the token endpoint (`permit`). The flow tries them: the code that they refuse with decides which
page the user sees next.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from entra_emulator.aadsts import EntraError
from entra_emulator.conditions import SECURITY_KEY
from entra_emulator.ids import new_id
from entra_emulator.interaction import BrowserSession, Identity, PendingSignIn
from entra_emulator.model import App, RefreshToken, Tenant, User
from entra_emulator.permissions import required_permissions
from entra_emulator.policy.personal import wrong_account_kind
from entra_emulator.resources import GRAPH, Resource

from .access import membership
from .accounts import check, find_person
from .consenting import grant, is_administrator, may_consent, missing
from .exchange import Exchange
from .issuing import client_info
from .permission import find_resource, find_user, permit
from .scopes import RequestedScope, parse_all

Step = Literal["sign-in", "second-factor", "security-key", "terms", "consent", "needs-admin", "done"]

# Refusals that a second factor satisfies. 50072 and 50079 ask to register one first; the page does both at once.
_MFA_CODES = frozenset({50072, 50074, 50076, 50078, 50079})
_CONSENT_MISSING = 65001
_FOR_EVERYONE = "admin_consent"  # v1.0's prompt for an administrator's consent
_STRONGER_MFA_MISSING, _MFA_TOO_OLD, _SIGN_IN_TOO_OLD, _TERMS_MISSING = 50074, 50078, 70043, 50158


class WrongAccountKind(Exception):
    """The account's kind, personal or of an organization, cannot be used here. The text is for the user."""


@dataclass
class SignInFlow:
    """A pending sign-in with its application and, once known, its user. `typed`: the user name just entered."""

    exchange: Exchange
    pending: PendingSignIn
    typed: str = ""
    needs_consent: ClassVar[bool] = True

    @property
    def app(self) -> App:
        """The application that the user signs in to.

        :raises EntraError: 700016 if it was removed meanwhile.
        """
        if found := self.exchange.world.state.app(self.pending.app):
            return found
        raise EntraError(700016, app=self.pending.app, tenant=self.pending.tenant_name)

    @property
    def requests(self) -> list[RequestedScope]:
        """What the request asks for, one entry for each API.

        :raises EntraError: 70011.
        """
        return parse_all(self.pending.parameters["scope"])

    @property
    def account(self) -> tuple[Tenant, User]:
        """The user and their home tenant.

        :raises EntraError: 50034 if the user no longer exists.
        """
        return find_user(self.exchange, self.session)

    @property
    def tenant(self) -> Tenant:
        """The tenant to sign in to: the one in the path, else the user's own."""
        return self.exchange.tenant() or self.account[0]

    def sign_in(self, username: str, password: str) -> None:
        """Sign in with a password.

        :raises EntraError: 50034 and the codes for a wrong password.
        :raises WrongAccountKind: this kind of account cannot be used here.
        """
        home, user = find_person(self.exchange, username)
        if reason := self.wrong_account_kind(home):
            raise WrongAccountKind(reason)
        check(self.exchange, home, user, password)
        self.start(home, user, ("pwd",))

    def start(self, home: Tenant, user: User, amr: tuple[str, ...]) -> None:
        """The user has just signed in, in the ways that `amr` lists: a new session."""
        self.continue_as(Identity(user.id, home.id, amr, self.exchange.world.clock.now(), new_id()))
        self.pending.fresh = True

    def wrong_account_kind(self, home: Tenant) -> str:
        """Why accounts of a tenant cannot be used here, "" if they can."""
        state, identifier = self.exchange.world.state, self.requests[0].resource
        resource = state.resource(GRAPH if identifier is None else identifier, home, self.exchange.realm)
        return wrong_account_kind(self.app, home, self.exchange.tenant_name, resource)

    def accepts(self, session: BrowserSession, hint: str = "") -> bool:
        """Return whether a browser session's user is the hinted one, with an account that can be used here."""
        home = self.exchange.world.state.tenants.get(session.identity.home)
        user = home.user(session.identity.user) if home else None
        if home is None or user is None or self.wrong_account_kind(home):
            return False
        return not hint or hint in (user.upn.lower(), user.id)

    def continue_as(self, identity: Identity) -> None:
        """Continue with a user who has signed in, now or earlier."""
        pending = self.pending
        pending.user, pending.home, pending.amr = identity.user, identity.home, identity.amr
        pending.signed_in_on, pending.sid = identity.signed_in_on, identity.sid

    def client_info(self) -> str:
        """MSAL's account identity, for the redirect."""
        home, user = self.account
        return client_info(user, home)

    @property
    def identity(self) -> Identity:
        """Who signed in."""
        pending = self.pending
        return Identity(pending.user, pending.home, pending.amr, pending.signed_in_on, pending.sid)

    def next_step(self) -> Step:
        """Return the page that the user sees next.

        :raises EntraError: a refusal that no page resolves.
        """
        if not self.pending.user:
            return "sign-in"
        refusal = self._refusal()
        if self._needs_factor(refusal):
            return "second-factor"
        if refusal is not None and (step := self._resolving(refusal)):
            return step
        consent_missing = refusal is not None and refusal.code == _CONSENT_MISSING
        if consent_missing or (self._prompt in ("consent", _FOR_EVERYONE) and not self.pending.consented):
            return "consent" if self._may_consent() else "needs-admin"
        if refusal is not None:
            raise refusal
        return "done"

    def _resolving(self, refusal: EntraError) -> Step | None:
        """Return the page that resolves a refusal after the second factor; None if there is no such page."""
        pending, user = self.pending, self.account[1]
        if refusal.code == _SIGN_IN_TOO_OLD and not pending.fresh:
            return "sign-in"
        if refusal.code == _MFA_TOO_OLD and not pending.renewed:
            return "second-factor"
        if refusal.code == _STRONGER_MFA_MISSING and SECURITY_KEY in user.methods and "fido" not in pending.amr:
            return "security-key"
        has_terms = any(policy.active and "terms_of_use" in policy.requirements for policy in self.tenant.policies)
        return "terms" if refusal.code == _TERMS_MISSING and has_terms and not user.accepted_terms else None

    def approve(self) -> None:
        """Record a successful second factor; a repeated one counts from now."""
        pending = self.pending
        if "mfa" in pending.amr:
            pending.renewed, pending.signed_in_on = True, self.exchange.world.clock.now()
        else:
            pending.amr = (*pending.amr, "mfa")

    def use_key(self) -> None:
        """Record a security key, which replaces password and second factor."""
        self.pending.amr = ("fido", "mfa")

    def accept_terms(self) -> None:
        """Record that the user accepted the terms of use."""
        self.account[1].accepted_terms = True

    def listed(self) -> list[str]:
        """Return the permissions that the consent page lists, with their API if the request is for several."""
        requests = self.resources()
        wanted = [(resource, self.missing(resource, requested)) for resource, requested in requests]
        if not any(names for _, names in wanted):
            wanted = [
                (resource, [name for name in requested.names if name != ".default"]) for resource, requested in requests
            ]
        several = len(wanted) > 1
        return [f"{name} ({resource.name})" if several else name for resource, names in wanted for name in names]

    def resources(self) -> list[tuple[Resource, RequestedScope]]:
        """Return the APIs of the request.

        :raises EntraError: 500011 for one that the tenant does not have.
        """
        return [(find_resource(self.exchange, request, self.tenant)[0], request) for request in self.requests]

    def missing(self, resource: Resource, requested: RequestedScope) -> list[str]:
        """Return the requested permissions of an API that nobody has granted."""
        declared = [
            name
            for required in required_permissions(self.exchange.world.state, self.app)
            if required.resource == resource.app_id
            for name in required.scopes
        ]
        return missing(self.tenant, self.app, resource, self.account[1], requested, declared)

    def consent(self, *, for_all: bool) -> None:
        """Grant what is missing: to the user, or for everyone if an administrator says so."""
        everyone = self.administers and (for_all or self._prompt == _FOR_EVERYONE)
        user = "" if everyone else self.account[1].upn
        for resource, requested in self.resources():
            grant(self.tenant, self.app, resource, self.missing(resource, requested), user)
        self.pending.consented = True

    @property
    def administers(self) -> bool:
        """Whether the user may consent for everyone."""
        return is_administrator(self._roles())

    @property
    def _prompt(self) -> str:
        return self.pending.parameters.get("prompt")

    def _may_consent(self) -> bool:
        if self._prompt == _FOR_EVERYONE:
            return self.administers
        wanted = [name for resource, requested in self.resources() for name in self.missing(resource, requested)]
        return may_consent(self.tenant, self._roles(), wanted or self.listed())

    def _roles(self) -> list[str]:
        home, user = self.account
        return membership(self.exchange.world.state, user, home, self.tenant, self.app)[1]

    def _needs_factor(self, refusal: EntraError | None) -> bool:
        if "mfa" in self.pending.amr:
            return False
        return self.account[1].mfa or (refusal is not None and refusal.code in _MFA_CODES)

    def _refusal(self) -> EntraError | None:
        """Return the refusal of the token endpoint's rules, None if they allow it. Missing consent comes last."""
        exchange, form = self.exchange, self.exchange.form
        exchange.form = self.pending.parameters  # the rules read its claims parameter
        refusals = []
        try:
            for requested in self.requests:
                try:
                    permit(exchange, self.app, self.session, self.tenant, requested, needs_consent=self.needs_consent)
                except EntraError as refusal:
                    refusals.append(refusal)
        finally:
            exchange.form = form
        others = [refusal for refusal in refusals if refusal.code != _CONSENT_MISSING]
        return next(iter([*others, *refusals]), None)

    @property
    def session(self) -> RefreshToken:
        """The sign-in in the form that the token endpoint's rules take."""
        pending = self.pending
        return RefreshToken(
            app=pending.app,
            user=pending.user,
            home=pending.home,
            scopes=pending.parameters["scope"],
            granted_on=pending.signed_in_on,
            issued_on=self.exchange.world.clock.now(),
            amr=pending.amr,
            sid=pending.sid,
        )

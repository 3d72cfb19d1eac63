"""A sign-in in the browser, page by page: who, second factor, consent; and whether the tokens could then be had.

Whether something is missing is asked of the very rules that the token endpoint keeps to, by trying: what they refuse
with is what the person is asked for next, or told.
"""

from dataclasses import dataclass
from typing import Literal

from entra_emulator.aadsts import EntraError
from entra_emulator.conditions import SECURITY_KEY
from entra_emulator.interaction import Identity, PendingSignIn
from entra_emulator.model import App, RefreshToken, Tenant, User
from entra_emulator.policy.personal import wrong_account_kind
from entra_emulator.resources import GRAPH

from .access import membership
from .accounts import check, find_person
from .consenting import grant, is_administrator, may_consent, missing
from .exchange import Exchange
from .issuing import client_info
from .permission import find_resource, find_user, permit
from .scopes import RequestedScope, parse

Stop = Literal["sign-in", "second-factor", "security-key", "terms", "consent", "needs-admin", "done"]

# What a second factor heals. 50072 and 50079 ask to register one first, which here is done in the same step.
_WANTS_MFA = frozenset({50072, 50074, 50076, 50078, 50079})
_WANTS_CONSENT = 65001
_WANTS_STRONGER, _MFA_TOO_OLD, _SIGN_IN_TOO_OLD, _WANTS_TERMS = 50074, 50078, 70043, 50158


class WrongAccountKind(Exception):
    """The kind of account, personal or of an organization, is not for this. The text is for the person."""


@dataclass
class SignInFlow:
    """A pending sign-in with the application and, once known, the user. `typed`: the user name just entered."""

    exchange: Exchange
    pending: PendingSignIn
    typed: str = ""

    @property
    def app(self) -> App:
        """The application that the user signs in to.

        :raises EntraError: 700016 if it was removed meanwhile.
        """
        if found := self.exchange.world.state.app(self.pending.app):
            return found
        raise EntraError(700016, app=self.pending.app, tenant=self.pending.tenant_name)

    @property
    def requested(self) -> RequestedScope:
        """:raises EntraError: 28000, 70011."""
        return parse(self.pending.parameters["scope"])

    @property
    def person(self) -> tuple[Tenant, User]:
        """:raises EntraError: 50034 if the user is gone."""
        return find_user(self.exchange, self.session)

    @property
    def tenant(self) -> Tenant:
        """The tenant signed in to: the one named, else the person's own."""
        return self.exchange.tenant() or self.person[0]

    def sign_in(self, username: str, password: str) -> None:
        """:raises EntraError: 50034 and what is wrong with the password.
        :raises Unwelcome: this kind of account cannot be used here.
        """
        home, user = find_person(self.exchange, username)
        if reason := self.wrong_account_kind(home):
            raise WrongAccountKind(reason)
        now = self.exchange.world.clock.now()
        check(self.exchange, home, user, password)
        self.enter(Identity(user.id, home.id, ("pwd",), now))
        self.pending.fresh = True

    def wrong_account_kind(self, home: Tenant) -> str:
        """What keeps accounts of a tenant away from here, '' for nothing."""
        state, requested = self.exchange.world.state, self.requested
        identifier = requested.resource if requested.resource is not None else GRAPH
        resource = state.resource(identifier, home, self.exchange.realm)
        return wrong_account_kind(self.app, home, self.exchange.tenant_name, resource)

    def fits(self, session: Identity, hint: str = "") -> bool:
        """Whether a browser's session is of the person hinted at, and of a kind of account that can be used here."""
        home = self.exchange.world.state.tenants.get(session.home)
        user = home.user(session.user) if home else None
        if home is None or user is None or self.wrong_account_kind(home):
            return False
        return not hint or hint in (user.upn.lower(), user.id)

    def enter(self, who: Identity) -> None:
        """Go on as somebody who has signed in, now or before."""
        pending = self.pending
        pending.user, pending.home, pending.amr = who.user, who.home, who.amr
        pending.signed_in_on = who.signed_in_on

    def client_info(self) -> str:
        """MSAL's account identity, for the redirect."""
        home, user = self.person
        return client_info(user, home)

    @property
    def identity(self) -> Identity:
        """Who signed in."""
        pending = self.pending
        return Identity(pending.user, pending.home, pending.amr, pending.signed_in_on)

    def stop(self) -> Stop:
        """Where the person has to stop next.

        :raises EntraError: what no page can heal.
        """
        if not self.pending.user:
            return "sign-in"
        refusal = self._trial()
        if self._needs_factor(refusal):
            return "second-factor"
        if refusal is not None and (stop := self._heals(refusal)):
            return stop
        wants_consent = refusal is not None and refusal.code == _WANTS_CONSENT
        if wants_consent or (self.pending.parameters.get("prompt") == "consent" and not self.pending.consented):
            return "consent" if may_consent(self.tenant, self._roles(), self.wanted()) else "needs-admin"
        if refusal is not None:
            raise refusal
        return "done"

    def _heals(self, refusal: EntraError) -> Stop | None:
        """Where a person goes who has a second factor, and it or the sign-in is not good enough; None for nowhere."""
        pending, user = self.pending, self.person[1]
        if refusal.code == _SIGN_IN_TOO_OLD and not pending.fresh:
            return "sign-in"
        if refusal.code == _MFA_TOO_OLD and not pending.renewed:
            return "second-factor"
        if refusal.code == _WANTS_STRONGER and SECURITY_KEY in user.methods and "fido" not in pending.amr:
            return "security-key"
        asks_for_terms = any(one.enabled and one.require == "terms_of_use" for one in self.tenant.policies)
        return "terms" if refusal.code == _WANTS_TERMS and asks_for_terms and not user.accepted_terms else None

    def approve(self) -> None:
        """The second factor is done; if there was one before, it is as of now."""
        pending = self.pending
        if "mfa" in pending.amr:
            pending.renewed, pending.signed_in_on = True, self.exchange.world.clock.now()
        else:
            pending.amr = (*pending.amr, "mfa")

    def use_key(self) -> None:
        """A security key takes the place of password and second factor."""
        self.pending.amr = ("fido", "mfa")

    def accept_terms(self) -> None:
        """The terms of use are accepted."""
        self.person[1].accepted_terms = True

    def wanted(self) -> list[str]:
        """The permissions the consent page speaks of."""
        tenant, (_, user) = self.tenant, self.person
        resource, _ = find_resource(self.exchange, self.requested, tenant)
        found = missing(tenant, self.app, resource, user, self.requested)
        return found or [name for name in self.requested.names if name != ".default"]

    def consent(self, *, for_all: bool) -> None:
        """The person agrees; an administrator for everyone, if asked for."""
        tenant, (_, user) = self.tenant, self.person
        resource, _ = find_resource(self.exchange, self.requested, tenant)
        wanted = missing(tenant, self.app, resource, user, self.requested)
        everyone = for_all and self.administers
        grant(tenant, self.app, resource, wanted, "" if everyone else user.upn)
        self.pending.consented = True

    @property
    def administers(self) -> bool:
        """Whether the person may consent for everyone."""
        return is_administrator(self._roles())

    def _roles(self) -> list[str]:
        home, user = self.person
        return membership(self.exchange.world.state, user, home, self.tenant, self.app)[1]

    def _needs_factor(self, refusal: EntraError | None) -> bool:
        if "mfa" in self.pending.amr:
            return False
        return self.person[1].mfa or (refusal is not None and refusal.code in _WANTS_MFA)

    def _trial(self) -> EntraError | None:
        """What the token endpoint would refuse with, None if it would not."""
        exchange, form = self.exchange, self.exchange.form
        exchange.form = self.pending.parameters  # the rules look into the request, for its claims
        try:
            permit(exchange, self.app, self.session, self.tenant, self.requested)
        except EntraError as refusal:
            return refusal
        finally:
            exchange.form = form
        return None

    @property
    def session(self) -> RefreshToken:
        """The sign-in as the token endpoint's rules look at one."""
        pending = self.pending
        return RefreshToken(
            app=pending.app,
            user=pending.user,
            home=pending.home,
            scopes=pending.parameters["scope"],
            granted_on=pending.signed_in_on,
            issued_on=self.exchange.world.clock.now(),
            amr=pending.amr,
        )

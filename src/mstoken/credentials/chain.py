"""A chain of identities: the first that can serve does."""

from __future__ import annotations

from mstoken.credentials.base import BaseCredential, application_partition, no_account
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import Callable


@value
class ChainLink:
    """One link: an identity, or the reason why there is none and how to add it.

    `tenant` and `client_id` are empty where the credential implies them, `authority` where it is the client's. A
    profile has an authority of its own, and its secrets are sent nowhere else. `probe` means that only a request tells
    whether the link can serve; one short request is made. `settle` returns the link itself where finding it out means
    following references to secrets; it is called when the link's turn comes, and may block. `incomplete` says what one
    setting is missing, if the others are given: somebody means this identity.
    """

    name: str
    tenant: str = ""
    client_id: str = ""
    credential: BaseCredential | None = None
    probe: bool = False
    unavailable_reason: str = ""
    remedy: str = ""
    settle: Callable[[], ChainLink] | None = field(default=None, repr=False, compare=False)
    authority: str = ""
    incomplete: str = ""

    def without_credential(self, reason: str) -> ChainLink:
        """The link when its credential cannot serve, for the reason `reason`."""
        return replace(self, credential=None, probe=False, unavailable_reason=reason, remedy="")

    def for_user(self) -> ChainLink:
        """The link for a service that needs a user: an application cannot serve, and the link says why."""
        if self.credential is None or self.credential.acts_for_user:
            return self
        return self.without_credential("it is an application, and the service needs a token on behalf of a user")


@value
class Chain(BaseCredential):
    """Links in the order in which they are tried. A link that is configured and refused ends the chain with its error.

    `user_only` excludes applications. The link that served goes first from then on; the memory is separate for the two
    kinds of services.
    """

    links: tuple[ChainLink, ...]
    user_only: bool = False
    _served: dict[bool, ChainLink] = field(default_factory=dict, repr=False, compare=False)

    interactive = False
    can_bind_key = False
    needs_client_id = False
    serves_user_flows = False
    cache_partition = application_partition
    account_name = no_account

    @property
    def acts_for_user(self) -> bool:
        return self.user_only

    def of_users(self) -> Chain:
        """The same chain, with the same memory, for a service that needs a user."""
        return replace(self, user_only=True)

    @property
    def served(self) -> ChainLink | None:
        """The link that served last, settled; None before one has."""
        return self._served.get(self.user_only)

    def remember(self, link: ChainLink) -> None:
        """Note that `link` has served."""
        self._served[self.user_only] = link

    def in_order(self) -> list[ChainLink]:
        """The links in the order to try now."""
        first = self.served
        if first is None:
            return list(self.links)
        return [first, *(link for link in self.links if link.name != first.name)]

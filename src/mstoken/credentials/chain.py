"""A chain of identities: the first that can serve does."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.credentials import Credential


@value
class ChainLink:
    """One link: an identity, or the reason why there is none, and what would make it serve.

    `tenant` and `client_id` are empty where the credential brings its own, `authority` where it is the client's: a
    profile has one of its own, and its secrets go nowhere else. `probe` says that whether it can serve is
    only known by asking, which is then done once, briefly. `settle` gives the link itself, where knowing it takes
    following references to secrets: that is done when the link's turn comes, and may block.
    """

    name: str
    tenant: str = ""
    client_id: str = ""
    credential: Credential | None = None
    probe: bool = False
    why_not: str = ""
    remedy: str = ""
    settle: Callable[[], ChainLink] | None = field(default=None, repr=False, compare=False)
    authority: str = ""

    def for_people(self) -> ChainLink:
        """The link as it is for a service that needs a person: an application does not serve, and says why."""
        from mstoken.credentials import is_user

        if self.credential is None or is_user(self.credential):
            return self
        why = "it stands for an application, and the service needs a token on behalf of a person"
        return replace(self, credential=None, probe=False, why_not=why, remedy="")


@value
class Chain:
    """Links in the order they are tried. One that is configured and refused ends the chain: its error is the answer.

    `people` says that an application will not do. The link that served is remembered, apart for the two kinds of
    services, and goes first from then on.
    """

    links: tuple[ChainLink, ...]
    people: bool = False
    _served: dict[bool, ChainLink] = field(default_factory=dict, repr=False, compare=False)

    def of_users(self) -> Chain:
        """The same chain, with the same memory, for a service that needs a person."""
        return replace(self, people=True)

    @property
    def served(self) -> ChainLink | None:
        """The link that served last, settled; None before one has."""
        return self._served.get(self.people)

    def remember(self, link: ChainLink) -> None:
        """Note that `link` has served."""
        self._served[self.people] = link

    def in_order(self) -> list[ChainLink]:
        """The links as they are to be tried now."""
        first = self.served
        if first is None:
            return list(self.links)
        return [first, *(link for link in self.links if link.name != first.name)]

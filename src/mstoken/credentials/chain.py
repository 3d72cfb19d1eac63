"""A chain of identities: the first that can serve does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from mstoken.credentials import Credential


@value
class Link:
    """One link: an identity, or the reason why there is none, and what would make it serve.

    `tenant` and `client_id` are empty where the credential brings its own. `probe` says that whether it can serve is
    only known by asking, which is then done once, briefly.
    """

    name: str
    tenant: str = ""
    client_id: str = ""
    credential: Credential | None = None
    probe: bool = False
    why_not: str = ""
    remedy: str = ""

    def without_applications(self) -> Link:
        """The link as it is for a service that needs a person."""
        from mstoken.credentials import is_user

        if self.credential is None or is_user(self.credential):
            return self
        why = "it stands for an application, and the service needs a token on behalf of a person"
        return replace(self, credential=None, probe=False, why_not=why, remedy="")


@value
class Chain:
    """Links in the order they are tried. One that is configured and refused ends the chain: its error is the answer.

    `served` is the name of the link that served last, as its only element, or empty; it is tried first from then on.
    """

    links: tuple[Link, ...]
    served: list[str] = field(default_factory=list, compare=False)

    def of_users(self) -> Chain:
        """The same chain for a service that needs a person: applications do not serve, and say why."""
        return Chain(tuple(link.without_applications() for link in self.links), self.served)

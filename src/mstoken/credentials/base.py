"""What each credential class states about itself, so that no other file has to list the classes.

A concrete class answers every question of `ANSWERS` in its own body. Nothing is inherited and nothing has a default: a
forgotten answer would give one user another user's token. Python refuses an incomplete class when it is defined, mypy
when it is constructed; tools/check_credentials.py checks the rest.
"""

from __future__ import annotations

from abc import abstractmethod

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.authority import Authority

ANSWERS = (
    "interactive",
    "acts_for_user",
    "can_bind_key",
    "needs_client_id",
    "serves_user_flows",
    "cache_partition",
    "account_name",
)
"""What a credential class states."""


class BaseCredential:
    """A value that a client authenticates with. Constructing one does no I/O."""

    __slots__ = ()

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        """Raise TypeError for a class that leaves a question open; `abstract` marks a class that others derive from."""
        super().__init_subclass__()
        open_questions = [] if abstract else [name for name in ANSWERS if name not in vars(cls)]
        if open_questions:
            raise TypeError(f"{cls.__name__} does not state {', '.join(open_questions)}; see mstoken.credentials.base")

    @property
    @abstractmethod
    def interactive(self) -> bool:
        """Whether a person must act before there is a token: in a browser, or on another device."""

    @property
    @abstractmethod
    def acts_for_user(self) -> bool:
        """Whether its tokens stand for a user (delegated permissions) and not for the application alone."""

    @property
    @abstractmethod
    def can_bind_key(self) -> bool:
        """Whether its tokens can be bound to a key (proof of possession)."""

    @property
    @abstractmethod
    def needs_client_id(self) -> bool:
        """Whether the client needs a client id and a tenant. False where the credential implies them."""

    @property
    @abstractmethod
    def serves_user_flows(self) -> bool:
        """Whether a user flow of Azure AD B2C gives it tokens.

        B2C has neither device codes nor on-behalf-of, and applications authenticate there by secret alone:
        learn.microsoft.com/azure/active-directory-b2c/access-tokens and the discovery documents of user flows.
        """

    @abstractmethod
    def cache_partition(self, authority: Authority) -> str:
        """Whose tokens these are, beside authority, tenant and client id: two users never share a partition.

        It stays the same when an application gets a new secret, and contains none.
        """

    @abstractmethod
    def account_name(self, authority: Authority, client_id: str) -> str:
        """The name under which its sign-in is stored and its tokens are listed; '' where there is none."""

    def acting_client_id(self, client_id: str) -> str:
        """The application that the token is issued to, where that is not the client's own, as with an agent."""
        return client_id


def application_partition(self: BaseCredential, authority: Authority) -> str:  # noqa: ARG001 - the same everywhere
    """The `cache_partition` of an application's own tokens."""
    return "app"


def no_account(self: BaseCredential, authority: Authority, client_id: str) -> str:  # noqa: ARG001 - nobody signed in
    """The `account_name` of a credential without a sign-in."""
    return ""


def joined_name(*parts: str) -> str:
    """Parts as one readable name, with colons; different parts never give the same name."""
    return ":".join(part.replace("\\", r"\\").replace(":", r"\:") for part in parts)


def spaced_name(*parts: str) -> str:
    """The parts that are not empty with a space between them, their own spaces percent-encoded."""
    return " ".join(part.replace("%", "%25").replace(" ", "%20") for part in parts if part)

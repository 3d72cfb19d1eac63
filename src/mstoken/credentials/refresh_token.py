"""A user's refresh token, from an earlier sign-in."""

from __future__ import annotations

from mstoken.credentials.base import BaseCredential
from mstoken.errors import UsageError
from mstoken.fingerprints import fingerprint_of_text
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mstoken.authority import Authority
    from mstoken.credentials.client import ClientCredential


@value
class RefreshToken(BaseCredential):
    """A user's refresh token (RFC 6749 section 6): tokens on behalf of a user who signed in earlier.

    Give `value`, or `account`: the name under which the vault stores a sign-in (`mstoken login`). `client` is
    a confidential client's own credential; a public client has none. `on_new` is called with each new refresh token
    before the access token is returned, so that you can store it; if it raises, the call fails and the old token stays
    in use. Under AsyncClient it may be async. `single_use` is for servers that revoke a refresh token once it was used
    (single-page applications, many servers other than Entra): renewals then run one at a time.
    """

    value: str = field(default="", secret=True)
    client: ClientCredential | None = None
    account: str = ""
    on_new: Callable[[str], Awaitable[None] | None] | None = field(default=None, repr=False, compare=False)
    single_use: bool = False

    interactive = False
    acts_for_user = True
    can_bind_key = True
    needs_client_id = True
    serves_user_flows = True

    def __post_init__(self) -> None:
        if not self.value and not self.account:
            raise UsageError(
                "The refresh token is empty.", "Give RefreshToken a value, or an account that `mstoken login` stored."
            )

    @property
    def store_key(self) -> str:
        """Where the vault stores the refresh token: by account name, else by a fingerprint of the first one."""
        return f"account:{self.account}" if self.account else f"value:{fingerprint_of_text(self.value)}"

    def cache_partition(self, authority: Authority) -> str:  # noqa: ARG002 - accounts are compared as they are
        return self.store_key

    def account_name(self, authority: Authority, client_id: str) -> str:  # noqa: ARG002 - the account is named
        return self.account or self.store_key

"""A user's refresh token: a person who signed in before."""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.credentials import ClientCredential


@value
class RefreshToken:
    """A user's refresh token (RFC 6749 section 6): tokens on behalf of a person who signed in before.

    Give `value`, or `account`: the name under which a sign-in is kept in the vault (`mstoken login`). `client` proves a
    confidential client; a public client has none. `on_new` is called with each new refresh token before the access
    token is handed out, to keep it in a place of your own; if it raises, the call fails and the old token stays in use.
    `single_use` is for servers that revoke a refresh token once used (single-page apps, many that are not Entra):
    renewals then queue.
    """

    value: str = field(default="", repr=False)
    client: ClientCredential | None = None
    account: str = ""
    on_new: Callable[[str], None] | None = field(default=None, repr=False, compare=False)
    single_use: bool = False

    def __post_init__(self) -> None:
        if not self.value and not self.account:
            raise UsageError(
                "The refresh token is empty.", "Give RefreshToken a value, or an account that `mstoken login` stored."
            )

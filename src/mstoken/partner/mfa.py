"""Partner Center's rule: a user's token comes from a sign-in with multi-factor authentication (MFA).

Sources: learn.microsoft.com/partner-center/security/partner-security-requirements-mandating-mfa (401 with code 900421;
application-only calls are not affected; the request header ValidateMfa, the response header isMfaCompliant). A refresh
token of a sign-in without MFA never gains it: the user has to sign in again.
"""

from __future__ import annotations

from mstoken.errors import SignInRequired
from mstoken.messages import advice
from mstoken.protocol.jwt import readable
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from mstoken.partner.api import PartnerApi

_MFA = '{"amr":{"essential":true,"values":["mfa"]}}'
MFA_CLAIMS = f'{{"id_token":{_MFA},"access_token":{_MFA}}}'
"""The claims of a sign-in that must have MFA, whatever the tenant's policies say (OpenID Connect Core section 5.5;
`amr` is in RFC 8176)."""


@value
class MfaCheck:
    """What is known of a sign-in's MFA. `in_token`: whether `amr` of Partner Center's token has `mfa`; None if the
    token cannot be read. `accepted`: what Partner Center says of the token; None if it does not say.
    """

    in_token: bool | None
    accepted: bool | None

    @property
    def ok(self) -> bool:
        """True unless the token or Partner Center says that there was no MFA."""
        return self.in_token is not False and self.accepted is not False

    def require(self) -> None:
        """Raise SignInRequired unless it is ok."""
        if self.ok:
            return
        said = "Partner Center says so" if self.accepted is False else "the token's amr lacks mfa"
        again = advice(options="mstoken partner login", python="a Browser() and claims=MFA_CLAIMS")
        raise SignInRequired(
            f"The sign-in was without multi-factor authentication ({said}), so Partner Center refuses its tokens.",
            f"Register a second factor at https://aka.ms/mfasetup, then sign in again: {again}",
        )


async def check_mfa(api: PartnerApi) -> MfaCheck:
    """Look at the token for Partner Center, and let Partner Center check it. Raises what `Client.request` raises, and
    what an error response other than a missing MFA means.
    """
    token = readable((await api.token("partner")).token)
    methods = token.claims.get("amr") if token else None
    in_token = ("mfa" in methods if isinstance(methods, list) else False) if token else None
    response = await api.request("GET", "partner:/customers", params={"size": "1"}, headers={"ValidateMfa": "true"})
    said = str(response.headers.get("isMfaCompliant", "")).strip().lower()
    if said not in {"true", "false"}:
        response.raise_for_status()
    return MfaCheck(in_token, {"true": True, "false": False}.get(said))

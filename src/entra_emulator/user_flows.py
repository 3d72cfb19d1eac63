"""User flows and custom policies of Azure AD B2C.

Source: learn.microsoft.com/azure/active-directory-b2c/tokens-overview (claims, compatibility, lifetimes).
"""

from dataclasses import dataclass, field

from .strict import Strict

KINDS = ("sign_in", "password_reset", "ropc")
CLAIMS = ("emails", "family_name", "given_name", "name", "oid")
PREFIX = "b2c_1"


@dataclass
class UserFlow(Strict):
    """A user flow or custom policy, by its full name (`B2C_1_susi`). `kind`: one of KINDS.

    `claims`: the claims of its tokens about the user, some of CLAIMS. `issuer_with_policy`: `iss` names the flow too.
    `policy_claim`: `tfp`, or `acr` as in older flows. `reset_by_error`: the link to reset the password sends the
    application AADB2C90118; otherwise the flow itself resets it. `sub_supported`: False for the text that flows of the
    first version have in `sub`. Seconds: `token_life_in` of access and ID tokens, `refresh_life_in` of a refresh
    token, `sliding_life_in` of all refresh tokens of a sign-in.
    """

    name: str
    kind: str = "sign_in"
    claims: list[str] = field(default_factory=lambda: ["emails", "family_name", "given_name", "name", "oid"])
    issuer_with_policy: bool = False
    policy_claim: str = "tfp"
    reset_by_error: bool = True
    sub_supported: bool = True
    token_life_in: float = 3600
    refresh_life_in: float = 14 * 86_400
    sliding_life_in: float = 90 * 86_400

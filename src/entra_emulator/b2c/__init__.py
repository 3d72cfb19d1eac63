"""Azure AD B2C: user flows and custom policies, at `NAME.b2clogin.com/TENANT/POLICY` and by path on localhost."""

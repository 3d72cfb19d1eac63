"""Whether somebody may have a token: the state of account, tenant and application, and Conditional Access."""

"""The rules for issuing a token: the state of account, tenant and application, and Conditional Access."""

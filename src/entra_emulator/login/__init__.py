"""The sign-in service: discovery, keys, and the token endpoint with its rules."""

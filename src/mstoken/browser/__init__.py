"""The system's browser: open the sign-in page, and receive the redirect on this machine."""

"""The system's browser: opening the sign-in page, and receiving the redirect on this machine."""

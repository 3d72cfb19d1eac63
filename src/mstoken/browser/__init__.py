"""The system's browser: sending a person there, and listening on this machine for the way back."""

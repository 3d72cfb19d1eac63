"""Small versions of the APIs that tokens are for. Each checks its token as the real API does, with the same errors."""

"""Access tokens for Microsoft services."""

"""Where access tokens and refresh tokens are kept."""

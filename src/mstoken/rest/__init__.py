"""Call an API with the right token."""

"""Calling an API with the right token."""

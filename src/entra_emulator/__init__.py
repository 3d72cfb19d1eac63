"""A local Entra ID."""

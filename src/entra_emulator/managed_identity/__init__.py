"""Machines with a managed identity: the six local endpoints that issue tokens, and their errors."""

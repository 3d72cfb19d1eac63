"""Machines with a managed identity: the six local endpoints that hand out tokens, and their errors."""

"""Do the same in many tenants: which one is next, what became of each, and what to do about it."""

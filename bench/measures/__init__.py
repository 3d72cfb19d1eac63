"""One file per row of the table; each has NAME and `run(bench) -> Result`. A new one is added here and nowhere else."""

from bench.measures import (
    asked_once,
    cached_get,
    emulator_speed,
    fresh_get,
    import_time,
    many_tenants,
    memory_hit,
    store_write,
    tenants_in_memory,
)

ALL = (
    import_time,
    cached_get,
    fresh_get,
    memory_hit,
    many_tenants,
    tenants_in_memory,
    store_write,
    asked_once,
    emulator_speed,
)
"""In the order of the page."""

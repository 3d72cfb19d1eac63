"""One file per benchmark; each has NAME and `run(bench) -> Result`. A new one is added here and nowhere else."""

from bench.benchmarks import (
    cached_token,
    distant_service,
    emulator_speed,
    emulator_start,
    import_time,
    many_tenants,
    many_tenants_calls,
    memory_hit,
    new_token,
    powershell,
    round_trips,
    single_flight,
    store_write,
    tenants_in_memory,
)

ALL = (
    import_time,
    cached_token,
    new_token,
    round_trips,
    powershell,
    memory_hit,
    many_tenants,
    many_tenants_calls,
    distant_service,
    tenants_in_memory,
    store_write,
    single_flight,
    emulator_speed,
    emulator_start,
)
"""In the order of the page."""

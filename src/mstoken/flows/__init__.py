"""One file per way to get a token; coroutines over one small port."""

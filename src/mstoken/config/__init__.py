"""Where a client's settings come from: flags, environment and profiles."""

"""Where a client's settings come from: environment and profiles."""

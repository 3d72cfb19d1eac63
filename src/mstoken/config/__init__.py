"""The settings of a client, from flags, environment and profiles."""

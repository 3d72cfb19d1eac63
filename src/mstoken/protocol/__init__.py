"""Pure functions of the protocol: values in, values out; no I/O, no clock, no randomness."""

"""Private keys: load them, and sign with them wherever they are. No other package signs."""

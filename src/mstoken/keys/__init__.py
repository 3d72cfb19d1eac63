"""Private keys: load them, and sign with keys in files, in memory or in stores of their own. No other package signs."""

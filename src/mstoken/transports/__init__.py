"""HTTP behind a one-method port."""

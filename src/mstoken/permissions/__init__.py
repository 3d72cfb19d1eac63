"""Which permission or role an API call needs, as data. Nothing here does I/O."""

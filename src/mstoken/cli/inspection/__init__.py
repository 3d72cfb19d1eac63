"""What `mstoken inspect` reports about a token, without reading and printing it."""

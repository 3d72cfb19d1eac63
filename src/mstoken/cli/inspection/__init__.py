"""What `mstoken inspect` says about a token, apart from reading and printing it."""

"""The content of `mstoken inspect`'s report about a token. Other files read the token and print the report."""

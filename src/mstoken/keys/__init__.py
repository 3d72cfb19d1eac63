"""Private keys: loading them, and signing with them wherever they are. The only room that signs."""

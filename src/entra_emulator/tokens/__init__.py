"""The emulator's tokens: keys, the claims of access and ID tokens, and their verification by the APIs."""

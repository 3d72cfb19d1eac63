"""TLS with the emulator's own certificate authority, the server thread and the transparent proxy."""

"""Verification by the operating system, on macOS and Windows: its own store, its own rules."""

from __future__ import annotations

import ssl


def system_context() -> ssl.SSLContext:
    """A context whose certificates the system verifies."""
    import truststore  # installed on macOS and Windows only, while this module imports everywhere

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

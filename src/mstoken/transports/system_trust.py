"""Verification by the operating system, on macOS and Windows, with its own store and rules."""

from __future__ import annotations

import ssl


def system_context() -> ssl.SSLContext:
    """Return a TLS context with verification by the system."""
    import truststore  # installed on macOS and Windows only, while this module imports everywhere

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

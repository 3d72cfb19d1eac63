"""The program beside a local Entra ID, and servers that take only its tokens."""

from __future__ import annotations

from tests.support.at_entra import anonymous, at_entra, entra, memory

__all__ = ["anonymous", "at_entra", "entra", "memory"]

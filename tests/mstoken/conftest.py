"""Fixtures of the product's tests."""

from __future__ import annotations

from tests.support.local_entra import entra

__all__ = ["entra"]

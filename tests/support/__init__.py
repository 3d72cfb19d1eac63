"""Helpers that several tests share: real local servers, and the runners that call a client blocking and asyncio."""

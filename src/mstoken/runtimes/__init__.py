"""Run a flow blocking or under asyncio."""

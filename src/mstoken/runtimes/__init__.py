"""The runtimes: run a flow blocking or under asyncio."""

"""What several tests need: real local servers and the runners that call a client blocking and under asyncio."""

"""The flows: one file for each way to get a token. A flow is a coroutine over three small ports."""

"""`mstoken mcp`: a bridge from an MCP client, over standard input and output, to a server over HTTP."""

"""A client of MCP, `mcp` or `fastmcp`, which starts a command as its server. It prints what its calls return, as JSON.

Arguments: mcp or fastmcp, the mode (legacy or auto), how often to count, the command. The environment is passed on.
"""

import asyncio
import json
import os
import sys
import warnings
from typing import Any

import mcp_types as types
from fastmcp import Client as FastClient
from fastmcp.client.transports import StdioTransport
from mcp import Client, StdioServerParameters

warnings.simplefilter("ignore")
kind, mode, times, command, *arguments = sys.argv[1:]
steps: list[float] = []


async def on_progress(progress: float, *_: Any) -> None:
    steps.append(progress)


async def answer(_context: Any, _params: Any) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"name": "Nadia"})


async def fast_answer(_message: str, kind_of_answer: Any, *_: Any) -> Any:
    return kind_of_answer(name="Nadia")


def text(result: Any) -> str:
    return str(result.content[0].text)


async def main() -> None:
    if kind == "mcp":
        parameters = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        client: Any = Client(parameters, mode=mode, elicitation_callback=answer)
    else:
        transport = StdioTransport(command, arguments, env=dict(os.environ), keep_alive=False)
        client = FastClient(transport, elicitation_handler=fast_answer)
    async with client:
        listed = await client.list_tools()
        names = sorted(tool.name for tool in (listed if isinstance(listed, list) else listed.tools))
        found: dict[str, Any] = {"tools": names}
        option = "progress_callback" if kind == "mcp" else "progress_handler"
        found["count"] = text(await client.call_tool("count", {"to": int(times)}, **{option: on_progress}))
        if mode == "legacy":
            found["greet"] = text(await client.call_tool("greet", {}))
        found["who"] = text(await client.call_tool("whoami", {}))
        many = await asyncio.gather(*(client.call_tool("whoami", {}) for _ in range(20)))
        found["many"] = len({text(one) for one in many})
    sys.stdout.write(json.dumps({**found, "steps": len(steps)}))


asyncio.run(main())

"""Get a token from a tool that somebody is signed in to: the Azure CLI, Azure PowerShell, the Azure Developer CLI."""

from __future__ import annotations

from mstoken.credentials.tool_process import run_program
from mstoken.errors import NotConfigured
from mstoken.flows.retry import time_left_in
from mstoken.protocol.developer_tools import command, environment, not_installed, parse_tool_output
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import AzureCli, AzureDeveloperCli, AzurePowerShell
    from mstoken.credentials.tool_process import Printed
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def developer_tool(
    request: TokenRequest, credential: AzureCli | AzurePowerShell | AzureDeveloperCli, port: Port
) -> Token:
    """Run the tool and return the token that it prints. The tool keeps tokens too, and may return one of those.

    Raises NotConfigured if the tool is not installed or cannot be started, and what `command` and `parse_tool_output`
    raise.
    """
    arguments = command(request, credential)
    program = await port.call(credential.program)
    if not program:
        raise not_installed(credential)
    variables = {**credential.environment, **environment(credential)}
    timeout_in = min(credential.timeout_in, time_left_in(request, port))

    def run() -> Printed:
        return run_program((program, *arguments), variables, timeout_in)

    try:
        printed = await port.call(run)
    except OSError as error:
        raise NotConfigured(
            f"{credential.tool} cannot be started: {program} ({error.strerror}).",
            f"Install it again: {credential.install_page}",
        ) from None
    return parse_tool_output(printed.code, printed.stdout, printed.stderr, request, credential, port.now())

"""The command lines with which other tools print an access token, and what they print.

    Azure CLI            learn.microsoft.com/cli/azure/account#az-account-get-access-token
    Azure PowerShell     learn.microsoft.com/powershell/module/az.accounts/get-azaccesstoken
    Azure Developer CLI  learn.microsoft.com/azure/developer/azure-developer-cli/reference#azd-auth-token

Messages do not quote a tool's output, which may contain secrets, except an AADSTS code and the sentence after it.
Failures are recognized as in azure-identity 1.27.
"""

from __future__ import annotations

import base64
import json
import re

from mstoken.credentials import AzureCli, AzureDeveloperCli, AzurePowerShell, DeveloperTool
from mstoken.credentials.developer_tools import NOT_SIGNED_IN
from mstoken.errors import (
    MstokenError,
    NotConfigured,
    Refusal,
    SignInRequired,
    TryLater,
    UnreadableAnswer,
    UsageError,
)
from mstoken.hidden import hidden
from mstoken.messages import advice
from mstoken.model import Token
from mstoken.protocol import jwt
from mstoken.protocol.http import HttpResponse
from mstoken.protocol.refusal import refusal_of
from mstoken.protocol.server_text import is_visible
from mstoken.protocol.times import numeric_date
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING, Any, assert_never
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.model import TokenRequest

_SCOPE = re.compile(r"[A-Za-z0-9._:/-]+")
_DEFAULT = "/.default"
_AADSTS = re.compile(r"AADSTS\d+:[^\r\n]*")
_NO_MODULE = "mstoken-no-az-accounts"

_SCRIPT = """$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
if (-not (Import-Module Az.Accounts -MinimumVersion 2.2.0 -PassThru -ErrorAction SilentlyContinue)) {{
    [Console]::Error.WriteLine('{no_module}')
    exit 1
}}
$found = Get-AzAccessToken -WarningAction Ignore {arguments}
$value = $found.Token
if ($value -is [securestring]) {{ $value = [System.Net.NetworkCredential]::new('', $value).Password }}
@{{ token = $value; expires_on = $found.ExpiresOn.ToUnixTimeSeconds() }} | ConvertTo-Json -Compress
"""

_OUTPUT = {AzureCli: "accessToken", AzurePowerShell: "token", AzureDeveloperCli: "token"}
_MISSING = ("az login", "az account set", "azd auth login", "Connect-AzAccount")
"""The commands that the tools tell an unknown user to run."""


_PHRASES = {
    _NO_MODULE: (
        "PowerShell has no module Az.Accounts 2.2.0 or newer.",
        "In PowerShell: Install-Module Az.Accounts, then Connect-AzAccount",
    ),
    "unknown flag: --claims": (
        "This version of azd cannot meet a claims challenge.",
        "Update azd to 1.18.1 or newer.",
    ),
    "AuthorizationManager check failed": (
        "PowerShell's execution policy does not allow the module Az.Accounts.",
        "See learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_execution_policies",
    ),
}
"""Parts of the tools' messages, and what they mean."""


def command(request: TokenRequest, credential: AzureCli | AzurePowerShell | AzureDeveloperCli) -> tuple[str, ...]:
    """Return the arguments that follow the tool's program.

    Raises UsageError for scopes that cannot be passed to the tool; SignInRequired for a claims challenge that the tool
    meets only by another sign-in.
    """
    for scope in request.scopes:
        if not _SCOPE.fullmatch(scope):
            raise UsageError(
                f"The scope {shown(scope)!r} cannot be passed to {credential.tool}.",
                "Letters, digits and . _ : / - are allowed there.",
            )
    if request.claims and not isinstance(credential, AzureDeveloperCli):
        raise _challenged(request, credential)
    match credential:
        case AzureCli():
            return _az(request, credential)
        case AzurePowerShell():
            return _powershell(request, credential)
        case AzureDeveloperCli():
            return _azd(request)
        case _:
            assert_never(credential)


def environment(credential: DeveloperTool) -> dict[str, str]:
    """Return the variables that have the tool print no colors."""
    return {"AZURE_CORE_NO_COLOR": "true"} if isinstance(credential, AzureCli) else {"NO_COLOR": "true"}


def parse_tool_output(
    code: int | None, output: str, errors: str, request: TokenRequest, credential: DeveloperTool, now: float
) -> Token:
    """Return the token that the tool printed on standard output; `now` is epoch seconds, UTC.

    `code` is the tool's exit code, None if it was ended. Raises TryLater then; SignInRequired if nobody is signed in to
    the tool, with the suberror NOT_SIGNED_IN, or must sign in again; what `refusal_of` raises for an AADSTS code;
    NotConfigured, UsageError or UnreadableAnswer for other failures.
    """
    if code is None:
        raise TryLater(
            f"{credential.tool} printed no token within {credential.timeout_in:g} seconds.",
            f"Run it yourself to see what it waits for: {_command_line(request, credential)}",
        )
    if code:
        raise _failure(code, f"{output}\n{errors}", request, credential)
    try:
        printed: dict[str, Any] = hidden(json.loads(output))
        token, expires_on = hidden(printed[_OUTPUT[type(credential)]]), _expires_on(printed)
    except (ValueError, LookupError, TypeError, RecursionError):
        token, expires_on, printed = None, 0, {}
    if not is_visible(token):
        raise UnreadableAnswer(
            f"{credential.tool} printed something that is not a token response.",
            f"Update the tool ({credential.install_page}), or see what it prints: {_command_line(request, credential)}",
        )
    _check_tenant(printed.get("tenant"), request, credential)
    carried = jwt.expires_on(token)
    return Token(str(token), min(expires_on, int(carried or expires_on)), got_on=int(now))


def not_installed(credential: DeveloperTool) -> NotConfigured:
    """Return the error for a tool whose program is not on PATH."""
    return NotConfigured(
        f"{credential.tool} is not installed: there is no {credential.programs[0]} on PATH.",
        f"Install it ({credential.install_page}), then sign in: {credential.sign_in_command}",
    )


def not_signed_in(credential: DeveloperTool, command: str = "") -> SignInRequired:
    """Return the error for a tool that nobody is signed in to; `command` signs in."""
    return SignInRequired(
        f"Nobody is signed in to {credential.tool}.",
        f"Sign in: {command or credential.sign_in_command}",
        Refusal(error="login_required", suberror=NOT_SIGNED_IN),
    )


def _az(request: TokenRequest, credential: AzureCli) -> tuple[str, ...]:
    """Return az's arguments. A subscription takes precedence over a tenant: az accepts one of them, and checks neither
    against the other.
    """
    chosen = ("--subscription", credential.subscription) if credential.subscription else _tenant(request, "--tenant")
    return ("account", "get-access-token", "--output", "json", *_az_target(request), *chosen)


def _az_target(request: TokenRequest) -> tuple[str, ...]:
    """Return `--resource`, which every version of az accepts, for a resource's default scope; else `--scope`."""
    if len(request.scopes) == 1 and request.scopes[0].endswith(_DEFAULT):
        return "--resource", request.scopes[0].removesuffix(_DEFAULT)
    return "--scope", *request.scopes


def _azd(request: TokenRequest) -> tuple[str, ...]:
    scopes = [part for scope in request.scopes for part in ("--scope", scope)]
    claims = ("--claims", base64.b64encode(request.claims.encode()).decode()) if request.claims else ()
    return ("auth", "token", "--output", "json", "--no-prompt", *scopes, *_tenant(request, "--tenant-id"), *claims)


def _powershell(request: TokenRequest, credential: DeveloperTool) -> tuple[str, ...]:
    script = _SCRIPT.format(no_module=_NO_MODULE, arguments=_powershell_arguments(request, credential))
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    return "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded


def _powershell_arguments(request: TokenRequest, credential: DeveloperTool) -> str:
    """Return the parameters of Get-AzAccessToken. Their characters are checked, so that no quote can end the text."""
    if len(request.scopes) != 1 or not request.scopes[0].endswith(_DEFAULT):
        raise UsageError(
            f"{credential.tool} cannot request single permissions, only those of a resource as a whole.",
            f"Request one service, such as graph, {advice(options='without --scope', python='instead of a scope')}, "
            "or use another credential.",
        )
    tenant = " ".join(f"'{part}'" if number else part for number, part in enumerate(_tenant(request, "-TenantId")))
    return f"-ResourceUrl '{request.scopes[0].removesuffix(_DEFAULT)}' {tenant}".strip()


def _tenant(request: TokenRequest, option: str) -> tuple[str, ...]:
    """Return the option for the tenant. A tenant contains only letters, digits, dots and hyphens."""
    return (option, request.authority.tenant) if request.authority.tenant else ()


def _expires_on(printed: dict[str, Any]) -> int:
    """Return epoch seconds. Before 2.54, az printed the local time alone. Raises ValueError."""
    if (written := printed.get("expires_on")) is not None:
        return int(numeric_date(written))
    text = printed["expiresOn"]
    if isinstance(text, str) and "T" not in text:
        from datetime import datetime

        return int(datetime.fromisoformat(text).timestamp())  # az writes local time without an offset
    return int(numeric_date(text))


def _check_tenant(printed: object, request: TokenRequest, credential: DeveloperTool) -> None:
    """Refuse the token of another tenant than the requested one, as a subscription may belong to another."""
    wanted = request.authority.tenant.lower()
    known = isinstance(printed, str) and "." not in wanted and wanted not in ("", "common", "organizations")
    if known and str(printed).lower() != wanted:
        raise UsageError(
            f"{credential.tool} returned a token of the tenant {shown(str(printed))}, not of {wanted}.",
            "Name a subscription of that tenant, or leave the subscription or the tenant out.",
        )


def _failure(code: int, text: str, request: TokenRequest, credential: DeveloperTool) -> MstokenError:
    """Return the error for a tool that ended with the exit code `code` and this output."""
    again = f"{credential.sign_in_command}{_sign_in_options(request, credential)}"
    if found := _AADSTS.search(text):
        return _refused(found[0], again, request, credential)
    if any(known in text for known in _MISSING):
        return not_signed_in(credential, again)
    for phrase, (message, remedy) in _PHRASES.items():
        if phrase in text:
            kind = NotConfigured if phrase == _NO_MODULE else UsageError
            return kind(message, remedy)
    if isinstance(credential, AzureCli) and credential.subscription and "not found" in text:
        return UsageError(
            f"The Azure CLI has no subscription {credential.subscription!r}.",
            "List those of its accounts: az account list --all --output table",
        )
    return UnreadableAnswer(
        f"{credential.tool} ended with exit code {code} and printed no token.",
        f"Run it yourself to see why: {_command_line(request, credential)}",
    )


def _refused(sentence: str, again: str, request: TokenRequest, credential: DeveloperTool) -> MstokenError:
    """Return the error for Entra's refusal, which the tool passed on; a new sign-in is one to the tool."""
    body = json.dumps({"error": "invalid_grant", "error_description": sentence}).encode()
    refused = refusal_of(HttpResponse(400, {}, body), 0, request)
    if isinstance(refused, SignInRequired):
        return SignInRequired(refused.message, f"Sign in to {credential.tool} again: {again}", refused.refusal)
    return refused


def _challenged(request: TokenRequest, credential: AzureCli | AzurePowerShell) -> SignInRequired:
    """Return the error for a claims challenge, which the tool meets by a new sign-in only."""
    claims = base64.b64encode(request.claims.encode()).decode()
    option = "--claims-challenge" if isinstance(credential, AzureCli) else "-ClaimsChallenge"
    where = _sign_in_options(request, credential)
    return SignInRequired(
        f"The service wants more proof of who you are (a claims challenge), for which {credential.tool} needs a new "
        "sign-in.",
        f"Sign in: {credential.sign_in_command}{where} {option} {claims}",
        Refusal(error="interaction_required", claims=request.claims),
    )


def _sign_in_options(request: TokenRequest, credential: DeveloperTool) -> str:
    option = {AzureCli: "--tenant", AzurePowerShell: "-Tenant", AzureDeveloperCli: "--tenant-id"}[type(credential)]
    tenant = "".join(f" {part}" for part in _tenant(request, option))
    wanted = request.scopes[0] if isinstance(credential, AzureCli) and request.scopes else ""
    return f"{tenant} --scope {wanted}" if wanted else tenant


def _command_line(request: TokenRequest, credential: DeveloperTool) -> str:
    """Return the command that shows the tool's own output, without the token if the tool can omit it."""
    from mstoken.shells import joined

    request = replace(request, claims="")
    if isinstance(credential, AzureCli):
        return f"az {joined(_az(request, credential)).replace('--output json', '--output none')}"
    if isinstance(credential, AzureDeveloperCli):
        return f"azd {joined(_azd(request))}"
    return f"Get-AzAccessToken {_powershell_arguments(request, credential)}"

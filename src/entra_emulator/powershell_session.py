"""An emulator's settings for a running PowerShell session, each statement on one line.

.NET reads HTTPS_PROXY and SSL_CERT_FILE once, and PowerShell changes only its own copy of the environment. With
variables alone, a session would still call the real services. The statements therefore also set the session's proxy,
and make its web cmdlets accept the emulator's certificate. The emulator's proxy forwards to no other host, so no other
certificate is accepted through it; a call that names another proxy, or none, verifies as before.
"""

from collections.abc import Iterable, Mapping

from .quoting import powershell as quote

_BEFORE = "$global:EntraEmulatorBefore"
_PROXY = "[Net.Http.HttpClient]::DefaultProxy"
_OLD_PROXY = "[Net.WebRequest]::DefaultWebProxy"
_DEFAULTS = "$global:PSDefaultParameterValues"
_CMDLETS = "'Invoke-RestMethod', 'Invoke-WebRequest'"
_CORE = "$PSVersionTable.PSVersion.Major -ge 6"  # Windows PowerShell 5.1 runs on the .NET Framework
_SKIP = (
    "{ -not ($args[0].BoundParameters -match '^(NoProxy|Proxy)$') }"  # their names (about_Parameters_Default_Values)
)
_WARNING = (
    "Windows PowerShell 5.1 cannot trust a certificate for one session: its own requests go to the emulator and fail. "
    "Programs that you start follow the settings. For Invoke-RestMethod, use PowerShell 7."
)


def powershell(environment: Mapping[str, str | None]) -> str:
    """Return statements that set the variables, remove those whose value is None, and redirect the session itself."""
    lines = [_save(environment)]
    for name, value in environment.items():
        if value is None:
            lines.append(f"Remove-Item Env:{name} -ErrorAction Ignore")
    lines += [f"$env:{name} = {quote(value)}" for name, value in environment.items() if value is not None]
    if proxy := environment.get("HTTPS_PROXY"):
        made = f"[Net.WebProxy]::new({quote(proxy)}, $false, @('//localhost(:|/|$)', '//127\\.0\\.0\\.1(:|/|$)'))"
        trust = f'foreach ($cmdlet in {_CMDLETS}) {{ {_DEFAULTS}["${{cmdlet}}:SkipCertificateCheck"] = {_SKIP} }}'
        lines.append(f"if ({_CORE}) {{ {_PROXY} = {made}; {trust} }} else {{ {_OLD_PROXY} = {made} }}")
        lines.append(f"if (-not ({_CORE})) {{ Write-Warning {quote(_WARNING)} }}")
    return "\n".join(lines)


def taken_back(names: Iterable[str]) -> str:  # noqa: ARG001 - the session knows them, with their values
    """Return the statement that restores the session's previous state, if it was changed."""
    variables = (
        f"foreach ($pair in {_BEFORE}.Variables) {{ "
        'if ($null -eq $pair[1]) { Remove-Item "Env:$($pair[0])" -ErrorAction Ignore } '
        "else { [Environment]::SetEnvironmentVariable($pair[0], $pair[1]) } }"
    )
    proxy = f"if ({_CORE}) {{ {_PROXY} = {_BEFORE}.Proxy }} else {{ {_OLD_PROXY} = {_BEFORE}.Proxy }}"
    trust = (
        f"foreach ($pair in {_BEFORE}.Defaults) {{ "
        f"if ($null -eq $pair[1]) {{ {_DEFAULTS}.Remove($pair[0]) }} else {{ {_DEFAULTS}[$pair[0]] = $pair[1] }} }}"
    )
    forget = "Remove-Variable EntraEmulatorBefore -Scope Global"
    return f"if ({_BEFORE}) {{ {variables}; {proxy}; {trust}; {forget} }}"


def _save(environment: Mapping[str, str | None]) -> str:
    """Return the statement that saves the session's state, unless it already uses an emulator."""
    names = ", ".join(quote(name) for name in environment)
    variables = f"@({names} | ForEach-Object {{ , @($_, [Environment]::GetEnvironmentVariable($_)) }})"
    key = '"${_}:SkipCertificateCheck"'
    defaults = f"@({_CMDLETS} | ForEach-Object {{ , @({key}, {_DEFAULTS}[{key}]) }})"
    proxy = f"$(if ({_CORE}) {{ {_PROXY} }} else {{ {_OLD_PROXY} }})"
    return (
        f"if (-not {_BEFORE}) {{ {_BEFORE} = @{{ Variables = {variables}; Proxy = {proxy}; Defaults = {defaults} }} }}"
    )

# A local Entra ID for this session: Start-MsTokenEmulator, Stop-MsTokenEmulator.

function Start-MsTokenEmulator {
    <#
    .SYNOPSIS
    Starts a local Entra ID, and points this PowerShell session and the programs that it starts to it.
    .DESCRIPTION
    Starts the emulator and applies what "mstoken emulator env -o powershell" prints: variables, and in PowerShell 7 the
    proxy of this process. The emulator ends with Stop-MsTokenEmulator, or with this PowerShell process.
    .PARAMETER Port
    The HTTPS port on 127.0.0.1; by default a free one.
    .PARAMETER Config
    A TOML file with tenants, applications and users.
    .EXAMPLE
    Start-MsTokenEmulator; Get-MsToken graph; Stop-MsTokenEmulator

    Gets a token of the local Entra ID.
    .LINK
    Stop-MsTokenEmulator
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType('MsToken.Emulator')]
    param([ValidateRange(0, 65535)] [int] $Port, [string] $Config)
    if ($null -ne [AppDomain]::CurrentDomain.GetData('MsToken.Emulator')) {
        $PSCmdlet.ThrowTerminatingError((New-MsTokenUsageError 'This session has an emulator.' 'Stop-MsTokenEmulator'))
    }
    if (-not $PSCmdlet.ShouldProcess('local Entra ID', 'Start')) { return }
    if (-not $Port) {
        $listener = New-Object Net.Sockets.TcpListener([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $Port = $listener.LocalEndpoint.Port
        $listener.Stop()
    }
    $words = "emulator --until-stdin-closes --port $Port"
    if ($Config) {
        $path = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Config)
        if ($path.Contains('"')) {
            $PSCmdlet.ThrowTerminatingError((New-MsTokenUsageError 'The path contains a quotation mark.' 'Rename it.'))
        }
        $words += " --config `"$path`""
    }
    try { $process = Start-MsTokenProcess (Get-MsTokenProgram) $words -Quiet } catch { $PSCmdlet.ThrowTerminatingError($_) }
    $settings = $null
    while ($null -eq $settings -and -not $process.HasExited) {
        $settings = Find-MsTokenEmulator $PSCmdlet $Port
        if ($null -eq $settings) { Start-Sleep -Milliseconds 100 }
    }
    if ($null -eq $settings) {
        $PSCmdlet.ThrowTerminatingError((New-MsTokenUsageError "The emulator did not start. $($process.StandardError.ReadToEnd())".Trim()))
    }
    $process.BeginErrorReadLine() # nobody needs its output, but a full pipe would stop it
    $process.BeginOutputReadLine()
    & ([scriptblock]::Create($settings))
    [AppDomain]::CurrentDomain.SetData('MsToken.Emulator', $process)
    [pscustomobject]@{
        PSTypeName = 'MsToken.Emulator'
        Port = $Port
        Authority = $env:AZURE_AUTHORITY_HOST
        TenantId = $env:AZURE_TENANT_ID
        ClientId = $env:AZURE_CLIENT_ID
    }
}

function Find-MsTokenEmulator($Caller, [int]$Port) {
    # The statements that point a session to the emulator at a port; nothing until it listens.
    $words = 'emulator', 'env', '--shell', 'powershell', '--port', "$Port"
    $result = Invoke-MsTokenCommand $Caller $words -Silent
    if ($result.exit_code -eq 0) { $result.output }
}

function Stop-MsTokenEmulator {
    <#
    .SYNOPSIS
    Stops the local Entra ID of this session, and restores variables and proxy.
    .EXAMPLE
    Stop-MsTokenEmulator

    Stops it.
    .LINK
    Start-MsTokenEmulator
    #>
    [CmdletBinding(SupportsShouldProcess)]
    param()
    $process = [AppDomain]::CurrentDomain.GetData('MsToken.Emulator')
    if ($null -eq $process) {
        $PSCmdlet.ThrowTerminatingError((New-MsTokenUsageError 'This session has no emulator.' 'Start-MsTokenEmulator'))
    }
    if (-not $PSCmdlet.ShouldProcess('local Entra ID', 'Stop')) { return }
    $result = Invoke-MsTokenCommand $PSCmdlet 'emulator', 'env', '--shell', 'powershell', '--undo'
    & ([scriptblock]::Create($result.output))
    [AppDomain]::CurrentDomain.SetData('MsToken.Emulator', $null)
    $process.StandardInput.Dispose()
    $null = $process.WaitForExit(10000)
    $process.Dispose()
}

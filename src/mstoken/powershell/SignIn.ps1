# Sign-ins: Connect-MsToken, Disconnect-MsToken, Get-MsTokenAccount.

function Invoke-MsTokenCommand {
    # Runs a command of mstoken in the session, and returns what it printed and its exit code.
    param($Caller, [string[]] $ArgumentList, [string] $Text = '', [switch] $Interactive, [switch] $Silent)
    $more = @{ Caller = $Caller; Method = 'run'; ArgumentList = $ArgumentList; Field = @{ stdin = $Text } }
    Invoke-MsTokenSession @more -Interactive:$Interactive -Silent:$Silent
}

function ConvertTo-MsTokenDate($Seconds) {
    # The time of epoch seconds, UTC; nothing for none.
    if ($null -ne $Seconds) { [DateTimeOffset]::FromUnixTimeSeconds($Seconds) }
}

function Read-MsTokenInput($Value) {
    # The text of a SecureString, of an object of Get-MsToken, or of text itself.
    if ($Value -is [securestring]) { ConvertTo-MsTokenText $Value }
    elseif ($Value.PSObject.TypeNames -contains 'MsToken.AccessToken') { Read-MsTokenInput $Value.Token }
    else { "$Value" }
}

function Connect-MsToken {
    <#
    .SYNOPSIS
    Signs a user in, and writes a profile that uses the sign-in.
    .DESCRIPTION
    Opens the browser; with -Device, shows a code to enter on any device; with -RefreshToken or -Path, stores an existing
    refresh token. The sign-in is stored encrypted, and works for mstoken in every shell.
    .PARAMETER Tenant
    A GUID or a domain; by default the user's own tenant.
    .PARAMETER ClientId
    The application's (client) ID, or the name of one of Microsoft's, such as azure-cli.
    .PARAMETER ProfileName
    The profile to write; default by default.
    .PARAMETER Cloud
    Microsoft's cloud: public, usgov, china.
    .PARAMETER Authority
    The sign-in host, if it is not the cloud's own.
    .PARAMETER Scope
    The scopes to sign in for, instead of Microsoft Graph.
    .PARAMETER LoginHint
    The user name to prefill.
    .PARAMETER Device
    Signs in with a code on any device.
    .PARAMETER RefreshToken
    A refresh token to store, as a SecureString or text from the pipeline.
    .PARAMETER Path
    A file that contains only a refresh token.
    .PARAMETER NoVerify
    Stores the refresh token without verifying it.
    .PARAMETER Timeout
    How many seconds to wait for the browser; 300 by default.
    .EXAMPLE
    Connect-MsToken -ClientId azure-cli

    Signs in with the browser and writes the profile default.
    .EXAMPLE
    Connect-MsToken -Tenant contoso.onmicrosoft.com -ClientId $id -Path token.txt -ProfileName work

    Stores the refresh token of a file.
    .LINK
    Get-MsTokenAccount
    #>
    [CmdletBinding(DefaultParameterSetName = 'Browser', SupportsShouldProcess)]
    [OutputType('MsToken.Account')]
    param(
        [Alias('TenantId')] [string] $Tenant,
        [string] $ClientId,
        [Alias('Profile')] [string] $ProfileName,
        [string] $Cloud,
        [string] $Authority,
        [string[]] $Scope,
        [Parameter(ParameterSetName = 'Browser')] [string] $LoginHint,
        [Parameter(ParameterSetName = 'Browser')] [ValidateRange(1, 2147483647)] [int] $Timeout,
        [Parameter(ParameterSetName = 'Device', Mandatory)] [Alias('UseDeviceCode')] [switch] $Device,
        [Parameter(ParameterSetName = 'RefreshToken', Mandatory, ValueFromPipeline)] [object] $RefreshToken,
        [Parameter(ParameterSetName = 'File', Mandatory)] [string] $Path,
        [Parameter(ParameterSetName = 'RefreshToken')] [Parameter(ParameterSetName = 'File')] [switch] $NoVerify
    )
    process {
        $name = 'default'
        if ($env:MSTOKEN_PROFILE) { $name = $env:MSTOKEN_PROFILE }
        if ($ProfileName) { $name = $ProfileName }
        $words = @('login') + @(Get-MsTokenIdentity $PSBoundParameters)
        foreach ($one in $Scope) { $words += '--scope', $one }
        if ($LoginHint) { $words += '--login-hint', $LoginHint }
        if ($Timeout) { $words += '--timeout', "$Timeout" }
        if ($NoVerify) { $words += '--no-verify' }
        $text = ''
        switch ($PSCmdlet.ParameterSetName) {
            'Browser' { $words += '--browser' }
            'Device' { $words += '--device' }
            'RefreshToken' { $words += '--refresh-token-stdin'; $text = Read-MsTokenInput $RefreshToken }
            'File' { $words += '--refresh-token-stdin'; $text = Get-Content -LiteralPath $Path -Raw -ErrorAction Stop }
        }
        if (-not $PSCmdlet.ShouldProcess("profile $name", 'Sign in')) { return }
        $result = Invoke-MsTokenCommand $PSCmdlet $words $text -Interactive
        if ($null -eq $result) { return }
        Get-MsTokenAccountList $PSCmdlet | Where-Object { $_.Account -ceq $name }
    }
}

function Disconnect-MsToken {
    <#
    .SYNOPSIS
    Removes a stored sign-in and its cached access tokens.
    .PARAMETER Account
    The name of the sign-in; the only one if there is one.
    .PARAMETER All
    Removes every stored sign-in.
    .EXAMPLE
    Disconnect-MsToken work

    Removes the sign-in of the profile work.
    .EXAMPLE
    Get-MsTokenAccount | Where-Object EndedBy | Disconnect-MsToken

    Removes the sign-ins that the service has ended.
    .LINK
    Get-MsTokenAccount
    #>
    [CmdletBinding(DefaultParameterSetName = 'Account', SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param(
        [Parameter(ParameterSetName = 'Account', Position = 0, ValueFromPipelineByPropertyName)] [string] $Account,
        [Parameter(ParameterSetName = 'All', Mandatory)] [switch] $All
    )
    process {
        $words = @('logout')
        $target = 'the only sign-in'
        if ($All) { $words += '--all'; $target = 'every sign-in' }
        if ($PSBoundParameters.ContainsKey('Account')) { $words += '--', $Account; $target = "sign-in $Account" }
        if (-not $PSCmdlet.ShouldProcess($target, 'Remove')) { return }
        $null = Invoke-MsTokenCommand $PSCmdlet $words -Interactive
    }
}

function Get-MsTokenAccountList($Caller) {
    $result = Invoke-MsTokenCommand $Caller 'accounts', '-o', 'json'
    if ($null -eq $result) { return }
    $list = ConvertFrom-MsTokenJson $result.output
    foreach ($one in $list) {
        [pscustomobject]@{
            PSTypeName = 'MsToken.Account'
            Account = $one.account
            UserId = $one.username
            TenantId = $one.tenant
            ClientId = $one.client_id
            Authority = $one.authority
            SignedInOn = ConvertTo-MsTokenDate $one.signed_in_on
            RenewedOn = ConvertTo-MsTokenDate $one.renewed_on
            ExpiresOn = ConvertTo-MsTokenDate $one.expires_on
            EndedBy = $one.ended_by
        }
    }
}

function Get-MsTokenAccount {
    <#
    .SYNOPSIS
    Lists the stored sign-ins.
    .PARAMETER Account
    The name of a sign-in; wildcards are allowed.
    .EXAMPLE
    Get-MsTokenAccount

    Shows each sign-in with its user, its tenant and until when it stays valid if it is not used.
    .LINK
    Connect-MsToken
    #>
    [CmdletBinding()]
    [OutputType('MsToken.Account')]
    param([Parameter(Position = 0)] [SupportsWildcards()] [string] $Account = '*')
    Get-MsTokenAccountList $PSCmdlet | Where-Object { $_.Account -like $Account }
}

# Understanding: Resolve-MsTokenError, Test-MsToken, ConvertFrom-MsToken.

function Resolve-MsTokenError {
    <#
    .SYNOPSIS
    Explains an error of Entra, Graph or Azure, and what to do next. Nothing is sent.
    .PARAMETER InputObject
    An ErrorRecord such as $_ in a catch block, an error's text, or a code. By default the session's last error.
    .EXAMPLE
    try { Connect-MgGraph -AccessToken $token } catch { Resolve-MsTokenError $_ }

    Explains what Microsoft's module reported.
    .EXAMPLE
    Resolve-MsTokenError 50076

    Explains a code.
    #>
    [CmdletBinding()]
    [OutputType('MsToken.Explanation')]
    param([Parameter(Position = 0, ValueFromPipeline)] [object] $InputObject)
    process {
        if (-not $PSBoundParameters.ContainsKey('InputObject')) { $InputObject = $global:Error[0] }
        $text = "$InputObject"
        if ($InputObject -is [Management.Automation.ErrorRecord]) {
            # A response's body is in ErrorDetails, and the code of an error of ours in the id.
            $text = $InputObject.FullyQualifiedErrorId, $InputObject.ErrorDetails, $InputObject.Exception.Message -join "`n"
        }
        elseif ($InputObject -is [Exception]) { $text = $InputObject.Message }
        $own = if ($InputObject -is [Management.Automation.ErrorRecord]) { $InputObject.Exception.Data }
        if ($own.kind -and $own.code -and "$($own.code)" -notmatch '^\d+$') { # an API's refusal, which says itself what to do
            [pscustomobject]@{
                PSTypeName = 'MsToken.Explanation'
                Code = $own.code
                Kind = $own.kind
                Cause = $InputObject.Exception.Message
                Remedy = $InputObject.ErrorDetails.RecommendedAction
                ExitCode = $own.exit_code
            }
            return
        }
        $result = Invoke-MsTokenCommand $PSCmdlet 'explain', '-o', 'json', '-' $text
        if ($null -eq $result) { return }
        $list = ConvertFrom-MsTokenJson $result.output
        foreach ($one in $list) {
            [pscustomobject]@{
                PSTypeName = 'MsToken.Explanation'
                Code = $one.code
                Name = $one.name
                Kind = $one.exception
                Cause = $one.cause
                Remedy = $one.remedy
                Retry = $one.retry
                ExitCode = $one.exit_code
                Source = $one.source
            }
        }
    }
}

function Test-MsToken {
    <#
    .SYNOPSIS
    Shows which identity mstoken would use, and what prevents it from getting a token.
    .DESCRIPTION
    Checks the parameters, the environment, managed identity and the profile; then the sign-in host, the clock, proxies
    and certificates. It requests no token, and sends and shows no secret. The property Ready says whether a token can be
    requested.
    .PARAMETER Tenant
    A GUID or a domain.
    .PARAMETER ClientId
    The application's (client) ID.
    .PARAMETER ProfileName
    A profile in mstoken's configuration file.
    .PARAMETER Cloud
    Microsoft's cloud: public, usgov, china.
    .PARAMETER Authority
    The sign-in host, if it is not the cloud's own.
    .EXAMPLE
    (Test-MsToken).links | Format-Table name, state, detail

    Shows what the default chain finds.
    #>
    [CmdletBinding()]
    [OutputType('MsToken.Diagnosis')]
    param(
        [Alias('TenantId')] [string] $Tenant,
        [string] $ClientId,
        [Alias('Profile')] [string] $ProfileName,
        [string] $Cloud,
        [string] $Authority
    )
    $words = @('doctor', '-o', 'json') + @(Get-MsTokenIdentity $PSBoundParameters)
    $result = Invoke-MsTokenCommand $PSCmdlet $words
    if ($null -eq $result) { return }
    $found = ConvertFrom-MsTokenJson $result.output
    $shown = [ordered]@{ PSTypeName = 'MsToken.Diagnosis'; Ready = $result.exit_code -eq 0; ExitCode = $result.exit_code }
    if ($found -is [Collections.IDictionary]) { foreach ($name in $found.Keys) { $shown[$name] = $found[$name] } }
    else { foreach ($one in $found.PSObject.Properties) { $shown[$one.Name] = $one.Value } }
    [pscustomobject]$shown
}

function ConvertFrom-MsToken {
    <#
    .SYNOPSIS
    Shows what a token contains: audience, user or application, permissions and times. Its signature is not checked.
    .PARAMETER Token
    An object of Get-MsToken or Get-AzAccessToken, a SecureString, or text that contains a token.
    .EXAMPLE
    Get-MsToken graph | ConvertFrom-MsToken

    Shows the claims of a token.
    #>
    [CmdletBinding()]
    [OutputType('MsToken.TokenContent')]
    param([Parameter(Position = 0, Mandatory, ValueFromPipeline)] [object] $Token)
    process {
        if ($Token -isnot [string] -and $null -ne $Token.Token) { $Token = $Token.Token }
        $result = Invoke-MsTokenCommand $PSCmdlet 'inspect', '-o', 'json' (Read-MsTokenInput $Token)
        if ($null -eq $result) { return }
        $found = ConvertFrom-MsTokenJson $result.output
        foreach ($name in 'issued_on', 'not_before_on', 'expires_on') {
            if ($null -ne $found.$name) { $found.$name = ConvertTo-MsTokenDate $found.$name }
        }
        $found.PSObject.TypeNames.Insert(0, 'MsToken.TokenContent')
        $found
    }
}

# learn.microsoft.com/powershell/module/az.accounts/get-azaccesstoken: since Az.Accounts 5.0 the token is a SecureString.
function Get-AzAccessToken {
    [CmdletBinding()]
    param([string] $ResourceUrl, [string] $TenantId)
    if ($env:STAND_IN_AZ_ERROR) { throw $env:STAND_IN_AZ_ERROR }
    $text = "token of $ResourceUrl in $TenantId" -replace ' ', '_'
    $token = if ($env:STAND_IN_AZ_PLAIN) { $text } else { ConvertTo-SecureString $text -AsPlainText -Force }
    [pscustomobject] @{
        Token = $token
        ExpiresOn = [DateTimeOffset]::FromUnixTimeSeconds(4102444800)
        TenantId = $TenantId
        UserId = 'nadia@northwind-partner.example'
        Type = 'Bearer'
    }
}

# Get-MsToken and what it needs.

function ConvertTo-MsTokenText([securestring]$Secure) {
    # The text of a SecureString. It must not reach a variable that outlives the request.
    $pointer = [Runtime.InteropServices.Marshal]::SecureStringToBSTR($Secure)
    try { [Runtime.InteropServices.Marshal]::PtrToStringBSTR($pointer) }
    finally { [Runtime.InteropServices.Marshal]::ZeroFreeBSTR($pointer) }
}

function Get-MsTokenIdentity([Collections.IDictionary]$Bound) {
    # The identity options of the command line, of a cmdlet's bound parameters.
    $options = @{ Tenant = '--tenant'; ClientId = '--client-id'; ProfileName = '--profile'; Cloud = '--cloud'
        Authority = '--authority'
    }
    foreach ($name in $options.Keys) {
        if ($Bound.ContainsKey($name)) { $options[$name]; "$($Bound[$name])" }
    }
}

function Get-MsTokenSecret([Collections.IDictionary]$Bound) {
    # The variables that take the place of the session's, for credentials among a cmdlet's bound parameters.
    $credentials = [ordered]@{
        ClientSecret = 'AZURE_CLIENT_SECRET'
        CertificatePath = 'AZURE_CLIENT_CERTIFICATE_PATH'
        CertificatePassword = 'AZURE_CLIENT_CERTIFICATE_PASSWORD'
        RefreshToken = 'MSTOKEN_REFRESH_TOKEN'
        UserAssertion = 'MSTOKEN_USER_ASSERTION'
    }
    $variables = @{}
    if ($Bound.ContainsKey('ClientSecret') -or $Bound.ContainsKey('CertificatePath')) {
        foreach ($name in 'AZURE_CLIENT_SECRET', 'AZURE_CLIENT_CERTIFICATE_PATH', 'AZURE_CLIENT_CERTIFICATE_PASSWORD') {
            $variables[$name] = $null # another credential of the session must not compete
        }
    }
    foreach ($name in $credentials.Keys) {
        if (-not $Bound.ContainsKey($name)) { continue }
        $value = $Bound[$name]
        $variables[$credentials[$name]] = if ($value -is [securestring]) { ConvertTo-MsTokenText $value } else { $value }
    }
    $variables
}

function Get-MsToken {
    <#
    .SYNOPSIS
    Gets an access token for a Microsoft service.
    .DESCRIPTION
    Gets an access token for a service, an API's URL, a resource or a scope. Tenant, client and credential come from
    the parameters, else from the environment (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, ...), else from a
    profile of mstoken. A cached token that is still valid comes without a request.

    The result has the properties of Get-AzAccessToken's, and Scope, Account and Claims. Token is a SecureString.
    .PARAMETER Service
    A service's name, such as graph; or an API's URL, a resource or a scope.
    .PARAMETER Scope
    The scopes to request, instead of the service's own.
    .PARAMETER Tenant
    A GUID or a domain.
    .PARAMETER ClientId
    The application's (client) ID, or the name of one of Microsoft's, such as azure-cli.
    .PARAMETER ProfileName
    A profile in mstoken's configuration file.
    .PARAMETER Cloud
    Microsoft's cloud: public, usgov, china.
    .PARAMETER Authority
    The sign-in host, if it is not the cloud's own.
    .PARAMETER ClientSecret
    The application's secret, instead of that in AZURE_CLIENT_SECRET.
    .PARAMETER CertificatePath
    A file with the application's certificate and its key, instead of AZURE_CLIENT_CERTIFICATE_PATH.
    .PARAMETER CertificatePassword
    The password of that file.
    .PARAMETER RefreshToken
    A refresh token, to get the access token with.
    .PARAMETER UserAssertion
    The access token of the user who called your API, for an on-behalf-of request.
    .PARAMETER Claims
    A claims challenge, as JSON or base64-encoded JSON.
    .PARAMETER MinTtl
    How many seconds the token must still be valid.
    .PARAMETER CertificateThumbprint
    The thumbprint of a certificate in the store My of the user or of the machine; its key stays there.
    .PARAMETER Certificate
    A certificate object with its private key, an X509Certificate2.
    .PARAMETER Timeout
    How many seconds the cmdlet may take; 30 by default.
    .PARAMETER Fresh
    Requests a new token, even if a valid one is cached.
    .PARAMETER AsPlainText
    Makes Token a string.
    .EXAMPLE
    Get-MsToken graph

    Shows for whom and until when the token is valid; the token itself is in the property Token.
    .EXAMPLE
    Invoke-RestMethod https://graph.microsoft.com/v1.0/organization -Authentication Bearer -Token (Get-MsToken graph).Token

    Calls an API with the token.
    .EXAMPLE
    Connect-MgGraph -AccessToken (Get-MsToken graph).Token

    Uses the token in Microsoft's module.
    .LINK
    ConvertFrom-MsToken
    #>
    [CmdletBinding()]
    [OutputType('MsToken.AccessToken')]
    param(
        [Parameter(Position = 0, ValueFromPipeline)] [Alias('ResourceUrl', 'Resource')] [string[]] $Service,
        [string[]] $Scope,
        [Parameter(ValueFromPipelineByPropertyName)] [Alias('TenantId')] [string] $Tenant,
        [string] $ClientId,
        [Alias('Profile')] [string] $ProfileName,
        [string] $Cloud,
        [string] $Authority,
        [securestring] $ClientSecret,
        [string] $CertificateThumbprint,
        [Security.Cryptography.X509Certificates.X509Certificate2] $Certificate,
        [string] $CertificatePath,
        [securestring] $CertificatePassword,
        [securestring] $RefreshToken,
        [securestring] $UserAssertion,
        [string] $Claims,
        [ValidateRange(0, 2147483647)] [int] $MinTtl,
        [ValidateRange(0, 2147483647)] [int] $Timeout,
        [switch] $Fresh,
        [switch] $AsPlainText
    )
    begin { Open-MsTokenSession }
    process {
        $words = $Service
        $more = @{}
        $usual = 0
        foreach ($name in 'Service', 'AsPlainText') { if ($PSBoundParameters.ContainsKey($name)) { $usual++ } }
        if ($PSBoundParameters.Count -gt $usual -or $Service -match '^-') { # what follows takes longer than a token
            $words = @(Get-MsTokenIdentity $PSBoundParameters)
            foreach ($one in $Scope) { $words += '--scope', $one }
            if ($Claims) { $words += '--claims', $Claims }
            if ($MinTtl) { $words += '--min-ttl', "$MinTtl" }
            if ($Timeout) { $words += '--timeout', "$Timeout" }
            if ($Fresh) { $words += '--fresh' }
            if ($Service -match '^-') { $words += '--' } # without it, the words are the command line's, and so is the cache
            $words += $Service
            $more.Variable = Get-MsTokenSecret $PSBoundParameters
            try { $more.Certificate = Get-MsTokenCertificate $PSBoundParameters } catch { Write-MsTokenError $PSCmdlet $_; return }
        }
        $result = Invoke-MsTokenSession -Caller $PSCmdlet -Method get -ArgumentList $words @more
        if ($null -eq $result) { return }
        $token = $result.token
        if (-not $AsPlainText) { $token = [Net.NetworkCredential]::new('', $token).SecurePassword }
        [pscustomobject]@{
            PSTypeName = 'MsToken.AccessToken'
            Token = $token
            ExpiresOn = [DateTimeOffset]::FromUnixTimeSeconds($result.expires_on)
            Type = $result.token_type
            TenantId = $result.tenant
            UserId = $result.user
            Scope = $result.scope
            Account = $result.account
            Claims = $result.claims
        }
    }
}

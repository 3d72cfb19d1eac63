# Invoke-MsRequest: calls an API with the right token.

function Invoke-MsRequest {
    <#
    .SYNOPSIS
    Calls an API of Microsoft with the right token, and returns its objects.
    .DESCRIPTION
    The token goes only to the host of its service. The items of a collection come one by one, and further pages are
    requested as they are needed: Select-Object -First ends the requests. Other responses come as they are: objects for
    JSON, text, or bytes.
    .PARAMETER Uri
    A URL; a service and a path, such as graph:/users; or a path of Azure Resource Manager, such as /subscriptions.
    .PARAMETER Method
    GET by default; POST with a body, PUT with InFile.
    .PARAMETER Body
    Text to send as it is, or an object to send as JSON.
    .PARAMETER Header
    Further headers, as a hashtable.
    .PARAMETER OutFile
    The file to write the response to.
    .PARAMETER InFile
    The file to send: the body of the request, or the parts of an upload session. The method is then PUT by default.
    .PARAMETER Scope
    The token to use: a service's name, a resource or a scope. By default the address determines it.
    .PARAMETER Origin
    An origin that may receive the token, for example a gateway's.
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
    .PARAMETER ClientSecret
    The application's secret, instead of that in AZURE_CLIENT_SECRET.
    .PARAMETER CertificateThumbprint
    The thumbprint of a certificate in the store My of the user or of the machine; its key stays there.
    .PARAMETER Certificate
    A certificate object with its private key, an X509Certificate2.
    .PARAMETER Timeout
    How many seconds each request may take.
    .PARAMETER Param
    Query parameters, as a hashtable: @{ top = 5 }. mstoken encodes them, and writes $ before those of Graph that need it.
    .PARAMETER Query
    A JMESPath expression; it selects from the items of each page, or from another response's body, before PowerShell
    reads them.
    .PARAMETER Subscription
    The subscription for {subscription} in the address; by default that in AZURE_SUBSCRIPTION_ID, or the only one.
    .PARAMETER Retries
    How many times a request is repeated after a temporary failure; 3 by default.
    .PARAMETER MaxWait
    The longest wait in seconds before a repeated request; 180 by default.
    .PARAMETER RetryUnsafe
    Also repeats POST and PATCH if they may have been executed.
    .PARAMETER MaxPages
    Ends after this many pages, with a warning.
    .PARAMETER FirstPage
    Returns the items of the first page only.
    .EXAMPLE
    Invoke-MsRequest graph:/users | Where-Object accountEnabled

    Returns the users, as they arrive.
    .EXAMPLE
    Invoke-MsRequest graph:/me -Method Patch -Body @{ jobTitle = 'Engineer' }

    Sends an object as JSON.
    .EXAMPLE
    $tenants | Invoke-MsRequest graph:/users -Param @{ top = 5 }

    Sends the request once for each tenant: each object of the pipeline has a TenantId, or is an ID.
    .LINK
    Get-MsToken
    #>
    [CmdletBinding(DefaultParameterSetName = 'Uri', SupportsShouldProcess)]
    param(
        [Parameter(ParameterSetName = 'Uri', Position = 0, Mandatory, ValueFromPipeline, ValueFromPipelineByPropertyName)]
        [Parameter(ParameterSetName = 'Tenant', Position = 0, Mandatory)] [Alias('Url')]
        [string] $Uri,
        [Parameter(ValueFromPipelineByPropertyName)] [string] $Method,
        [Parameter(ValueFromPipelineByPropertyName)] [object] $Body,
        [Parameter(ValueFromPipelineByPropertyName)] [Collections.IDictionary] $Header,
        [string] $OutFile,
        [string] $InFile,
        [string] $Scope,
        [string] $Origin,
        [Parameter(ParameterSetName = 'Uri', ValueFromPipelineByPropertyName)]
        [Parameter(ParameterSetName = 'Tenant', ValueFromPipeline, ValueFromPipelineByPropertyName)]
        [Alias('TenantId')] [string] $Tenant,
        [string] $ClientId,
        [Alias('Profile')] [string] $ProfileName,
        [string] $Cloud,
        [string] $Authority,
        [securestring] $ClientSecret,
        [string] $CertificateThumbprint,
        [Security.Cryptography.X509Certificates.X509Certificate2] $Certificate,
        [ValidateRange(0, 2147483647)] [int] $Timeout,
        [Collections.IDictionary] $Param,
        [string] $Query,
        [string] $Subscription,
        [ValidateRange(0, 2147483647)] [int] $Retries,
        [ValidateRange(0, 2147483647)] [int] $MaxWait,
        [switch] $RetryUnsafe,
        [ValidateRange(1, 2147483647)] [int] $MaxPages,
        [switch] $FirstPage
    )
    begin { Open-MsTokenSession }
    process {
        $hasBody = $PSBoundParameters.ContainsKey('Body') -and $null -ne $Body
        $verb = $Method
        if (-not $verb) { $verb = if ($InFile) { 'PUT' } elseif ($hasBody) { 'POST' } else { 'GET' } }
        $call = Get-MsTokenRequestField $PSBoundParameters
        $call.url = $Uri
        $call.method = $verb
        if ($OutFile) { $call.save = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($OutFile) }
        if ($InFile) { $call.upload = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($InFile) }
        if ($Header) {
            $call.headers = @{}
            foreach ($name in $Header.Keys) { $call.headers["$name"] = "$($Header[$name])" }
        }
        if ($hasBody) {
            if ($Body -is [string]) { $call.body = "$Body" }
            else { $call.body = ConvertTo-Json -InputObject $Body -Depth 30 -Compress }
        }
        if ($verb -notin 'GET', 'HEAD' -and -not $PSCmdlet.ShouldProcess($Uri, $verb.ToUpperInvariant())) { return }
        $field = @{ request = $call }
        if (-not $OutFile -and -not $InFile) { $field.items = if ($FirstPage) { 'first' } else { 'all' } }
        $variables = Get-MsTokenSecret $PSBoundParameters
        try { $signer = Get-MsTokenCertificate $PSBoundParameters } catch { Write-MsTokenError $PSCmdlet $_; return }
        $more = @{ Caller = $PSCmdlet; Method = 'request'; Field = $field; Variable = $variables; Certificate = $signer }
        $result = @{}
        Invoke-MsTokenSession @more -Result $result
        $answer = $result.Value
        if ($null -ne $answer.body) { $answer.body }
        elseif ($null -ne $answer.base64) { , [Convert]::FromBase64String($answer.base64) }
    }
}

function Get-MsTokenRequestField([Collections.IDictionary]$Bound) {
    # The fields of a request, of a cmdlet's bound parameters: MaxPages is max_pages. Those that need more than their name
    # are the cmdlet's. mstoken refuses a field that it does not know.
    $own = 'Uri', 'Method', 'Body', 'Header', 'OutFile', 'InFile', 'FirstPage', 'ClientSecret', 'CertificateThumbprint', 'Certificate'
    $own += [Management.Automation.Cmdlet]::CommonParameters
    $own += [Management.Automation.Cmdlet]::OptionalCommonParameters
    $different = @{ ProfileName = 'profile'; Param = 'params' }
    $found = @{}
    foreach ($name in $Bound.Keys) {
        if ($name -in $own) { continue }
        $field = if ($different[$name]) { $different[$name] } else { ($name -creplace '(?<=.)([A-Z])', '_$1').ToLowerInvariant() }
        $value = $Bound[$name]
        $found[$field] = if ($value -is [switch]) { [bool]$value } else { $value }
    }
    $found
}

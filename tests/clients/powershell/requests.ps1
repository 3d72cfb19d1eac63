# Requests to the sign-in service as people write them in PowerShell, without a library. The test that runs this script
# names a flow with its inputs, one line of JSON each; the outcome goes back.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Say($What) { [Console]::Out.WriteLine((ConvertTo-Json $What -Compress -Depth 9)) }

function Url($Given, $Path = 'oauth2/v2.0/token') { "$($Given.authority)/$($Given.tenant)/$Path" }

function Form($Given) {
    @{
        client_id = $Given.client; client_secret = $Given.secret
        scope = 'https://graph.microsoft.com/.default'; grant_type = 'client_credentials'
    }
}

function Query($Fields) {
    ($Fields.GetEnumerator() | ForEach-Object { '{0}={1}' -f $_.Key, [uri]::EscapeDataString($_.Value) }) -join '&'
}

function Base64Url([byte[]] $Bytes) { [Convert]::ToBase64String($Bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_') }

function Assertion($Given, $Algorithm) {
    $pfx = [Convert]::FromBase64String($Given.pfx)
    $certificate = [Security.Cryptography.X509Certificates.X509Certificate2]::new($pfx, $Given.password)
    $now = [DateTimeOffset]::UtcNow.ToUnixTimeSeconds()
    $header = @{ alg = $Algorithm; typ = 'JWT' }
    if ($Algorithm -eq 'RS256') {
        $header.x5t = Base64Url $certificate.GetCertHash()
        $padding = [Security.Cryptography.RSASignaturePadding]::Pkcs1
    } else {
        $header.'x5t#S256' = Base64Url $certificate.GetCertHash([Security.Cryptography.HashAlgorithmName]::SHA256)
        $padding = [Security.Cryptography.RSASignaturePadding]::Pss
    }
    $claims = @{
        aud = Url $Given; iss = $Given.client; sub = $Given.client
        jti = [guid]::NewGuid(); nbf = $now; exp = $now + 300
    }
    $parts = $header, $claims | ForEach-Object { Base64Url ([Text.Encoding]::UTF8.GetBytes((ConvertTo-Json $_ -Compress))) }
    $text = $parts -join '.'
    $key = [Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($certificate)
    $signature = $key.SignData([Text.Encoding]::ASCII.GetBytes($text), [Security.Cryptography.HashAlgorithmName]::SHA256, $padding)
    "$text.$(Base64Url $signature)"
}

function WithAssertion($Given, $Algorithm) {
    $form = Form $Given
    $form.Remove('client_secret')
    $form.client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    $form.client_assertion = Assertion $Given $Algorithm
    (Invoke-RestMethod (Url $Given) -Method Post -Body $form).access_token
}

$forms = @{
    'hashtable' = { (Invoke-RestMethod -Uri (Url $args[0]) -Method Post -Body (Form $args[0])).access_token }
    'hashtable with a content type' = {
        $type = 'application/x-www-form-urlencoded; charset=utf-8'
        (Invoke-RestMethod -Uri (Url $args[0]) -Method POST -ContentType $type -Body (Form $args[0])).access_token
    }
    'names in another case' = {
        $form = @{
            Grant_Type = 'client_credentials'; Scope = 'https://graph.microsoft.com/.default'
            Client_Id = $args[0].client; Client_Secret = $args[0].secret
        }
        (Invoke-RestMethod -Uri (Url $args[0]) -Method POST -Body $form).access_token
    }
    'string' = { (Invoke-RestMethod (Url $args[0]) -Method Post -Body (Query (Form $args[0]))).access_token }
    'bytes' = {
        $bytes = [Text.Encoding]::UTF8.GetBytes((Query (Form $args[0])))
        $type = 'application/x-www-form-urlencoded'
        (Invoke-RestMethod (Url $args[0]) -Method Post -Body $bytes -ContentType $type).access_token
    }
    'web request' = {
        (Invoke-WebRequest (Url $args[0]) -Method Post -Body (Form $args[0]) -UseBasicParsing | ConvertFrom-Json).access_token
    }
    'v1 with a resource' = {
        $form = Form $args[0]
        $form.Remove('scope')
        $form.resource = 'https://graph.microsoft.com'
        $form.grant_type = 'client_Credentials'
        (Invoke-RestMethod (Url $args[0] 'oauth2/token?api-version=1.0') -Method Post -Body $form).access_token
    }
    'splatting' = {
        $request = @{ Uri = Url $args[0]; Method = 'Post'; Body = Form $args[0]; Headers = @{ Accept = 'application/json' } }
        (Invoke-RestMethod @request).access_token
    }
    'secret in a Basic header' = {
        $form = Form $args[0]
        $pair = '{0}:{1}' -f $args[0].client, [uri]::EscapeDataString($args[0].secret)
        $form.Remove('client_secret'); $form.Remove('client_id')
        $headers = @{ Authorization = 'Basic ' + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($pair)) }
        (Invoke-RestMethod (Url $args[0]) -Method Post -Body $form -Headers $headers).access_token
    }
    'http client' = {
        $pairs = [Collections.Generic.Dictionary[string, string]]::new()
        (Form $args[0]).GetEnumerator() | ForEach-Object { $pairs[$_.Key] = $_.Value }
        $client = [Net.Http.HttpClient]::new()
        $answer = $client.PostAsync((Url $args[0]), [Net.Http.FormUrlEncodedContent]::new($pairs)).Result
        ($answer.Content.ReadAsStringAsync().Result | ConvertFrom-Json).access_token
    }
    'web client' = {
        $values = [Collections.Specialized.NameValueCollection]::new()
        (Form $args[0]).GetEnumerator() | ForEach-Object { $values.Add($_.Key, $_.Value) }
        $bytes = [Net.WebClient]::new().UploadValues((Url $args[0]), 'POST', $values)
        ([Text.Encoding]::UTF8.GetString($bytes) | ConvertFrom-Json).access_token
    }
    'web client with a string' = {
        $client = [Net.WebClient]::new()  # UploadString sends no Content-Type
        ($client.UploadString((Url $args[0]), (Query (Form $args[0]))) | ConvertFrom-Json).access_token
    }
}

$flows = @{
    'form' = { @{ token = & $forms[$args[0].form] $args[0] } }
    'forms' = { @{ names = @($forms.Keys) } }
    'json' = {
        Invoke-RestMethod (Url $args[0]) -Method Post -Body (Form $args[0] | ConvertTo-Json) -ContentType 'application/json'
    }
    'secret' = { @{ token = & $forms['hashtable'] $args[0] } }
    'certificate RS256' = { @{ token = WithAssertion $args[0] 'RS256' } }
    'certificate PS256' = { @{ token = WithAssertion $args[0] 'PS256' } }
    'retry' = {
        $options = @{ MaximumRetryCount = 3; RetryIntervalSec = 1 }
        @{ token = (Invoke-RestMethod (Url $args[0]) -Method Post -Body (Form $args[0]) @options).access_token }
    }
    'retry by hand' = {
        try {
            Invoke-RestMethod (Url $args[0]) -Method Post -Body (Form $args[0])
        } catch {
            $wait = $_.Exception.Response.Headers.RetryAfter.Delta.TotalSeconds
            Start-Sleep -Seconds $wait
            @{ waited = $wait; token = (Invoke-RestMethod (Url $args[0]) -Method Post -Body (Form $args[0])).access_token }
        }
    }
    'device code' = {
        $form = @{ client_id = $args[0].client; scope = "$($args[0].scope) offline_access" }
        $code = Invoke-RestMethod (Url $args[0] 'oauth2/v2.0/devicecode') -Method Post -Body $form
        $form = @{
            grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
            client_id = $args[0].client; device_code = $code.device_code
        }
        try {
            Invoke-RestMethod (Url $args[0]) -Method Post -Body $form
        } catch {
            if (($_.ErrorDetails.Message | ConvertFrom-Json).error -ne 'authorization_pending') { throw }
        }
        Say @{ enter = $code.verification_uri; code = $code.user_code }
        $null = [Console]::In.ReadLine()
        Start-Sleep -Seconds $code.interval
        $tokens = Invoke-RestMethod (Url $args[0]) -Method Post -Body $form
        $form = @{
            grant_type = 'refresh_token'; client_id = $args[0].client; refresh_token = $tokens.refresh_token
            scope = 'https://management.azure.com//user_impersonation'
        }
        @{ token = $tokens.access_token; silent = (Invoke-RestMethod (Url $args[0]) -Method Post -Body $form).access_token }
    }
    'graph' = {
        $token = & $forms['hashtable'] $args[0]
        $headers = @{ Authorization = "Bearer $token"; ConsistencyLevel = 'eventual' }
        $url = "$($args[0].graph)/users?`$top=1&`$select=displayName"
        $names = do {
            $page = Invoke-RestMethod $url -Headers $headers
            $page.value.displayName
            $url = $page.'@odata.nextLink'
        } while ($url)
        $secure = ConvertTo-SecureString $token -AsPlainText -Force
        $again = Invoke-RestMethod "$($args[0].graph)/users/`$count" -Headers @{ ConsistencyLevel = 'eventual' } -Authentication Bearer -Token $secure
        @{ names = @($names); count = [int] ($again -replace '[^0-9]') }
    }
}

while ($line = [Console]::In.ReadLine()) {
    $given = ConvertFrom-Json $line
    if (-not $given.flow) { break }
    try {
        $outcome = & $flows[$given.flow] $given
    } catch {
        $outcome = @{ error = $_.Exception.GetType().Name; text = "$($_.ErrorDetails.Message) $($_.Exception.Message)" }
    }
    Say @{ outcome = $outcome }
}

# A certificate of the store My for the command line: "store:THUMBPRINT". mstoken starts this script, which is no part of
# the module. It reads a request, JSON on one line, and prints the answer, JSON in base64.

. (Join-Path $PSScriptRoot 'Errors.ps1')
. (Join-Path $PSScriptRoot 'Certificate.ps1')

$WarningPreference = 'SilentlyContinue'
try {
    $request = ConvertFrom-Json ([Console]::In.ReadLine())
    $certificate = Find-MsTokenCertificate $request.thumbprint
    $answer = @{ certificate = [Convert]::ToBase64String($certificate.RawData) }
    if ($request.data) {
        $signature = New-MsTokenSignature $certificate ([Convert]::FromBase64String($request.data)) $request.algorithm
        $answer.signature = [Convert]::ToBase64String($signature)
    }
}
catch { $answer = @{ message = $_.Exception.Message; remedy = "$($_.ErrorDetails.RecommendedAction)" } }
[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes((ConvertTo-Json $answer -Compress)))

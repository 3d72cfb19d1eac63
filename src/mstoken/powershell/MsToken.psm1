#requires -Version 5.1
# MsToken: access tokens for Microsoft services. The work is done by the program mstoken, which this module starts.

Set-StrictMode -Off # the caller's mode would apply here too; an answer lacks the fields that are not known
if ($PSEdition -eq 'Desktop') { Add-Type -AssemblyName System.Web } # 7 has it loaded

foreach ($name in 'Errors', 'Session', 'Certificate', 'Token', 'Request', 'SignIn', 'Tools', 'Emulator', 'Completion') {
    . (Join-Path $PSScriptRoot "$name.ps1")
}

$ExecutionContext.SessionState.Module.OnRemove = {
    $pool = Get-MsTokenPool
    $session = $null
    while ($pool.TryPop([ref]$session)) { Stop-MsTokenSession $session }
}

# Values that PowerShell completes: services, clouds, profiles, accounts and tenants. A mistake completes nothing.

function Get-MsTokenCompletion([string]$Kind) {
    # Pairs of a value and its description.
    $command = switch ($Kind) {
        'Service' { 'services', '-o', 'json' }
        'ProfileName' { 'config', 'list', '-o', 'json' }
        default { 'accounts', '-o', 'json' }
    }
    $session = Get-MsTokenSession
    $reply = @{}
    Send-MsTokenRequest $session @{ method = 'run'; arguments = $command } $reply @{} -Silent
    $found = ConvertFrom-MsTokenJson $reply.Answer.result.output
    switch ($Kind) {
        'Service' { foreach ($one in $found) { , @($one.name, $one.title) } }
        'ProfileName' { foreach ($one in $found.PSObject.Properties) { , @($one.Name, "$($one.Value.tenant)") } }
        'Account' { foreach ($one in $found) { , @($one.account, "$($one.username) $($one.tenant)") } }
        'Tenant' { foreach ($one in @($found.tenant | Where-Object { $_ } | Sort-Object -Unique)) { , @($one, $one) } }
    }
}

$complete = {
    $parameterName, $wordToComplete = $args[1, 2]
    if ($parameterName -in 'Cloud') { $pairs = foreach ($one in 'public', 'usgov', 'china') { , @($one, $one) } }
    else { try { $pairs = Get-MsTokenCompletion $parameterName } catch { return } }
    foreach ($pair in $pairs) {
        if ("$($pair[0])" -notlike "$wordToComplete*") { continue }
        $text = $pair[0]
        if ($text -match '[^\w.:/-]') { $text = "'" + $text.Replace("'", "''") + "'" }
        New-Object Management.Automation.CompletionResult($text, $pair[0], 'ParameterValue', "$($pair[1]) ")
    }
}
foreach ($parameter in @{
        Service = 'Get-MsToken'
        Account = 'Disconnect-MsToken', 'Get-MsTokenAccount'
        ProfileName = 'Get-MsToken', 'Invoke-MsRequest', 'Connect-MsToken', 'Test-MsToken'
        Tenant = 'Get-MsToken', 'Invoke-MsRequest', 'Connect-MsToken', 'Test-MsToken'
        Cloud = 'Get-MsToken', 'Invoke-MsRequest', 'Connect-MsToken', 'Test-MsToken'
    }.GetEnumerator()) {
    Register-ArgumentCompleter -CommandName $parameter.Value -ParameterName $parameter.Key -ScriptBlock $complete
}

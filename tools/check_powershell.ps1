#requires -Version 7.4
# Checks the PowerShell module with PSScriptAnalyzer, of exactly this version: every rule that is on by default, and
# the syntax of Windows PowerShell 5.1. Installs it for this user if it is missing. Ends with 1 if it finds something.

$ErrorActionPreference = 'Stop'
$version = '1.25.0'
$settings = @{
    Severity = 'Error', 'Warning'
    ExcludeRules = @(
        # It looks at the verbs New, Start and Stop of functions that the module does not export, too.
        # tests/powershell tries -WhatIf with the exported ones.
        'PSUseShouldProcessForStateChangingFunctions'
        # Since PowerShell 5, Write-Host writes to the information stream, where a caller can catch or silence it.
        'PSAvoidUsingWriteHost'
    )
    Rules = @{ PSUseCompatibleSyntax = @{ Enable = $true; TargetVersions = '5.1', '7.4' } }
}
if (-not (Get-Module PSScriptAnalyzer -ListAvailable | Where-Object Version -EQ $version)) {
    Install-PSResource PSScriptAnalyzer -Version $version -Scope CurrentUser -TrustRepository
}
Import-Module PSScriptAnalyzer -RequiredVersion $version
$module = Join-Path (Split-Path $PSScriptRoot) src mstoken powershell
$found = @(Invoke-ScriptAnalyzer -Path $module -Recurse -Settings $settings)
foreach ($one in $found) { "$($one.ScriptName):$($one.Line): $($one.RuleName): $($one.Message)" }
if ($found) { exit 1 }
"powershell: $version of PSScriptAnalyzer finds nothing"

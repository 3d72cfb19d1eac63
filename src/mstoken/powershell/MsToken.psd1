@{
    RootModule = 'MsToken.psm1'
    ModuleVersion = '0.1.0'
    GUID = '5f0d3a52-7c61-4a0e-9a55-6c0f4c1f3a1d'
    Author = 'The mstoken authors'
    Description = 'Access tokens for Microsoft services, with the program mstoken.'
    PowerShellVersion = '5.1'
    CompatiblePSEditions = @('Core', 'Desktop')
    FormatsToProcess = @('MsToken.format.ps1xml')
    FunctionsToExport = @(
        'Connect-MsToken', 'ConvertFrom-MsToken', 'Disconnect-MsToken', 'Get-MsToken', 'Get-MsTokenAccount',
        'Invoke-MsRequest',
        'Resolve-MsTokenError', 'Start-MsTokenEmulator', 'Stop-MsTokenEmulator', 'Test-MsToken'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{
        PSData = @{
            Tags = @('Entra', 'Azure', 'MicrosoftGraph', 'OAuth', 'Token')
            ProjectUri = 'https://github.com/mstoken/mstoken'
            LicenseUri = 'https://github.com/mstoken/mstoken/blob/main/LICENSE'
        }
    }
}

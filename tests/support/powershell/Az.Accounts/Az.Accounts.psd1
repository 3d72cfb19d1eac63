# A stand-in for Microsoft's module: the documented command, parameters and output, without the rest of Az.
@{
    RootModule = 'Az.Accounts.psm1'
    ModuleVersion = '5.3.0'
    GUID = '17a2feff-488b-47f9-8729-e2cec094624c'
    FunctionsToExport = @('Get-AzAccessToken')
}

# Errors as PowerShell has them: terminating ErrorRecords with an id, a category and what to do next.

$script:Categories = @{
    2 = 'InvalidArgument'
    3 = 'AuthenticationError'
    4 = 'PermissionDenied'
    5 = 'ConnectionError'
    130 = 'OperationStopped'
}

function New-MsTokenError($Problem) {
    # The ErrorRecord of an error of mstoken. Its id is the AADSTS code if there is one, else the kind of error; the
    # exception's Data has code, kind, exit code and ids of the request. None of them is secret.
    $text = $Problem.message
    if ($Problem.service_message) { $text += " The service says: $($Problem.service_message)" }
    $exception = New-Object InvalidOperationException($text)
    foreach ($name in 'kind', 'code', 'suberror', 'correlation_id', 'retry_in', 'exit_code') {
        if ($null -ne $Problem.$name) { $exception.Data[$name] = $Problem.$name }
    }
    $code = "$($Problem.code)"
    $id = if ($code -match '^\d+$') { "AADSTS$code" } elseif ($code) { $code } else { "$($Problem.kind)" }
    $category = 'NotSpecified'
    if ($null -ne $Problem.exit_code -and $script:Categories.ContainsKey([int]$Problem.exit_code)) {
        $category = $script:Categories[[int]$Problem.exit_code]
    }
    $record = New-Object Management.Automation.ErrorRecord($exception, $id, $category, $null)
    if ($Problem.remedy) {
        $record.ErrorDetails = New-Object Management.Automation.ErrorDetails($text)
        $record.ErrorDetails.RecommendedAction = $Problem.remedy
    }
    $record
}

function New-MsTokenUsageError([string]$Message, [string]$Remedy) {
    New-MsTokenError @{ message = $Message; remedy = $Remedy; kind = 'usage_error'; exit_code = 2 }
}

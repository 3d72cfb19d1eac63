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

function Write-MsTokenError($Caller, $Record) {
    # Ends the cmdlet $Caller; or, if its caller chose an -ErrorAction other than Stop, reports the error as it says, and
    # the cmdlet goes on with the next object of the pipeline.
    $action = $Caller.MyInvocation.BoundParameters['ErrorAction']
    if ($null -eq $action -or $action -eq 'Stop') { $Caller.ThrowTerminatingError($Record) }
    $Caller.WriteError($Record)
}

$script:Parameters = @{ save = 'OutFile'; data = 'Body'; debug = 'Verbose' } # options whose parameter has another name

function ConvertTo-MsTokenWord([string]$Text, $Caller) {
    # A message in the words of PowerShell: --max-pages becomes -MaxPages, if the cmdlet $Caller has that parameter. An
    # option inside a command stays, since the command works in PowerShell as it is.
    if (-not $Caller -or $Text.IndexOf('--') -lt 0) { return $Text }
    $known = $Caller.MyInvocation.MyCommand.Parameters
    $aliases = @($known.Values.Aliases)
    $place = 0
    $parts = foreach ($found in [regex]::Matches($Text, '(?<![\w-])--([a-z][a-z-]*)')) {
        $before = ($Text.Substring(0, $found.Index) -split '[`\n]|\. ')[-1]
        $name = $script:Parameters[$found.Groups[1].Value]
        if (-not $name) {
            $name = -join ($found.Groups[1].Value -split '-' | ForEach-Object { $_.Substring(0, 1).ToUpperInvariant() + $_.Substring(1) })
        }
        $fits = $known.ContainsKey($name) -or $aliases -contains $name
        if (-not $fits -or $before -match '(^|\W)(mstoken|az|azd|git|gh|kubectl|pip) \w') { continue }
        $Text.Substring($place, $found.Index - $place) + "-$name"
        $place = $found.Index + $found.Length
    }
    -join $parts + $Text.Substring($place)
}

# Reads scripts from standard input, a JSON object of names and texts. Writes what each has that Windows PowerShell 5.1
# lacks (wrong), and what it uses of .NET and of commands. What stands behind a check of the version is left out.
$scripts = [Console]::In.ReadToEnd() | ConvertFrom-Json -AsHashtable
$later = 'ArgumentList', 'WaitForExitAsync', 'ExportPkcs8PrivateKey', 'ExportCertificatePem', 'ReadToEndAsync', 'MaskInput'
$all = @{}

function Test-Guarded($Node) {
    for ($one = $Node; $one.Parent; $one = $one.Parent) {
        if ($one.Parent -isnot [Management.Automation.Language.IfStatementAst]) { continue }
        foreach ($clause in $one.Parent.Clauses) {
            if ($clause.Item2 -eq $one -and $clause.Item1.Extent.Text -match '^\$PSVersionTable\.PSVersion\.Major -ge [67]$') { return $true }
        }
    }
    $false
}

foreach ($name in $scripts.Keys) {
    $problems = $null
    $tree = [Management.Automation.Language.Parser]::ParseInput($scripts[$name], [ref]$null, [ref]$problems)
    $wrong = [Collections.Generic.List[string]]::new()
    $types, $statics, $commands, $own = 1..4 | ForEach-Object { , [Collections.Generic.HashSet[string]]::new() }
    foreach ($one in $problems) { $wrong.Add("error: $($one.Message)") }
    if ($tree.ScriptRequirements.RequiredPSVersion -gt '5.1') { $wrong.Add('#requires -Version') }
    if ($tree.ScriptRequirements.RequiredPSEditions -contains 'Core') { $wrong.Add('#requires -PSEdition') }
    foreach ($node in $tree.FindAll({ $true }, $true)) {
        # Syntax counts everywhere: 5.1 parses the whole file.
        switch ($node.GetType().Name) {
            'FunctionDefinitionAst' { $null = $own.Add($node.Name) }
            'TernaryExpressionAst' { $wrong.Add('ternary') }
            'PipelineChainAst' { $wrong.Add('&& or ||') }
            'BinaryExpressionAst' { if ("$($node.Operator)" -eq 'QuestionQuestion') { $wrong.Add('??') } }
            'AssignmentStatementAst' { if ("$($node.Operator)" -eq 'QuestionQuestionEquals') { $wrong.Add('??=') } }
            'PipelineAst' { if ($node.Background) { $wrong.Add('&') } }
            'ScriptBlockAst' { if ($node.CleanBlock) { $wrong.Add('clean') } }
        }
        if ($node.NullConditional) { $wrong.Add('?.') }
        if ($node.GenericTypeArguments) { $wrong.Add('type arguments of a method') }
        if (Test-Guarded $node) { continue }
        if ($node -is [Management.Automation.Language.MemberExpressionAst]) {
            $member = "$($node.Member)"
            if ($node.Static -and $node.Expression.TypeName) {
                if ($member -ne 'new') { $null = $statics.Add("[$($node.Expression.TypeName.FullName)]::$member") }
            }
            elseif ($member -in $later) { $wrong.Add(".$member") }
        }
        elseif ($node.TypeName -and $node.TypeName.Name -notin 'Parameter', 'CmdletBinding', 'OutputType', 'Alias', 'SupportsWildcards', 'AllowEmptyCollection', 'ValidateRange') {
            $null = $types.Add($node.TypeName.FullName)
        }
        elseif ($node -is [Management.Automation.Language.CommandAst]) {
            $command = $node.GetCommandName()
            if (-not $command) { continue } # a block or a program
            $null = $commands.Add($command)
            foreach ($part in $node.CommandElements) {
                if ($part -is [Management.Automation.Language.CommandParameterAst]) { $null = $commands.Add("$command -$($part.ParameterName)") }
            }
            if ($command -eq 'New-Object') { $null = $types.Add((@($node.CommandElements)[1].Extent.Text -split '\(')[0]) }
        }
    }
    $all[$name] = @{ wrong = @($wrong); types = @($types); statics = @($statics); commands = @($commands); own = @($own) }
}
$all | ConvertTo-Json -Depth 5 -Compress

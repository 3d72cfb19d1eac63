# Starts mstoken, and exchanges lines of JSON with it. docs/powershell-module.md describes the lines.

$script:Protocol = 3

function Get-MsTokenPool {
    # The idle sessions of this PowerShell process. Runspaces share them, so ForEach-Object -Parallel starts as many
    # as it uses at the same time. Each is used by one caller at a time.
    if ($null -ne $script:Pool) { return , $script:Pool }
    $name = "MsToken.Sessions $PSScriptRoot"
    $domain = [AppDomain]::CurrentDomain
    $pool = $domain.GetData($name)
    if ($null -eq $pool) {
        [Threading.Monitor]::Enter($domain)
        try {
            $pool = $domain.GetData($name)
            if ($null -eq $pool) {
                $pool = [Collections.Concurrent.ConcurrentStack[hashtable]]::new()
                $domain.SetData($name, $pool)
            }
        }
        finally { [Threading.Monitor]::Exit($domain) }
    }
    $script:Pool = $pool
    , $pool
}

function Get-MsTokenProgram {
    # The mstoken that installed this module, never another one on PATH: the program, its arguments, and the variables
    # that it reads, as a regular expression. Lines, because reading them takes less time than JSON.
    $path = [IO.Path]::Combine($PSScriptRoot, 'MsToken.program.txt')
    if (-not [IO.File]::Exists($path)) {
        throw (New-MsTokenError @{
                message = 'This copy of the module MsToken does not know which mstoken to start.'
                remedy = 'Install it with mstoken: mstoken powershell --install'
                kind = 'not_installed'
            })
    }
    [IO.File]::ReadAllLines($path)
}

function Start-MsTokenProcess([string[]]$Program, [string]$Arguments, [switch]$Quiet) {
    $start = [Diagnostics.ProcessStartInfo]::new($Program[0], "$($Program[1]) $Arguments")
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = [bool]$Quiet
    try { [Diagnostics.Process]::Start($start) }
    catch {
        throw (New-MsTokenError @{
                message = "mstoken cannot be started with $($Program[0]): $($_.Exception.InnerException.Message)"
                remedy = 'Install the module again: mstoken powershell --install'
                kind = 'not_installed'
            })
    }
}

function Start-MsTokenSession {
    $program = Get-MsTokenProgram
    $process = Start-MsTokenProcess $program 'session'
    @{
        Process = $process
        Requests = $process.StandardInput.BaseStream
        Answers = [IO.StreamReader]::new($process.StandardOutput.BaseStream, [Text.Encoding]::UTF8)
        Ready = $false
        Last = 0
        Variables = $program[2]
    }
}

function Open-MsTokenSession {
    # Starts the session early if there is none: it starts while PowerShell prepares the first request.
    $pool = Get-MsTokenPool
    if ($pool.IsEmpty) { try { $pool.Push((Start-MsTokenSession)) } catch { Write-Debug "$_" } } # the request says why
}

function Stop-MsTokenSession($Session) {
    # A session ends when its standard input closes.
    try { $Session.Requests.Dispose() } catch { Write-Debug 'mstoken has ended already.' }
    $Session.Process.Dispose()
}

function Get-MsTokenSession {
    # An idle session that is still alive, else a new one.
    $pool = Get-MsTokenPool
    $session = $null
    while ($pool.TryPop([ref]$session)) {
        if (-not $session.Process.HasExited) { return $session }
        Stop-MsTokenSession $session
    }
    Start-MsTokenSession
}

function Read-MsTokenAnswer($Session, [hashtable]$Progress) {
    # The next line as an object; $null if mstoken has ended. The wait is in steps, so that Ctrl-C stops it. With Until,
    # a time, $Progress shows how many seconds are left; with Status, what the request waits for.
    $task = $Session.Answers.ReadLineAsync()
    do {
        if ($Progress.Until) {
            $left = [Math]::Max(0, [int]($Progress.Until - [DateTime]::UtcNow).TotalSeconds)
            Write-Progress -Activity $Progress.Activity -Status 'waiting for the sign-in' -SecondsRemaining $left
        }
        elseif ($Progress.Status) { Write-Progress -Activity $Progress.Activity -Status $Progress.Status }
    } until ($task.Wait(100))
    if ($null -ne $task.Result) { ConvertFrom-MsTokenJson $task.Result }
}

function ConvertFrom-MsTokenJson([string]$Text) {
    # Windows PowerShell reads at most 2 MB at once, and returns an array as one object.
    if ($PSVersionTable.PSVersion.Major -ge 6) {
        try { ConvertFrom-Json $Text -NoEnumerate }
        catch { ConvertFrom-Json $Text -AsHashtable -NoEnumerate } # names that differ in case, or are empty
    }
    else {
        , (ConvertFrom-Json $Text)
    }
}

function Get-MsTokenVariable($Session, [hashtable]$Override) {
    # The variables that mstoken reads, as they are now, in JSON. $null in $Override leaves a variable out. If none has
    # changed since the last request, neither has the JSON.
    $all = [Environment]::GetEnvironmentVariables()
    $state = ($all.Keys -join "`0") + "`0`0" + ($all.Values -join "`0")
    if (-not $Override.Count -and $state -ceq $script:VariableState) { return $script:VariableJson }
    $found = @{}
    foreach ($entry in $all.GetEnumerator()) {
        if ($entry.Key -cmatch $Session.Variables) { $found[$entry.Key] = $entry.Value }
    }
    if (-not $found.ContainsKey('MSTOKEN_SHELL')) { $found['MSTOKEN_SHELL'] = 'powershell' } # for commands in messages
    foreach ($name in $Override.Keys) {
        if ($null -eq $Override[$name]) { $found.Remove($name) } else { $found[$name] = "$($Override[$name])" }
    }
    $json = ConvertTo-MsTokenJson $found
    if (-not $Override.Count) { $script:VariableState, $script:VariableJson = $state, $json }
    $json
}

function Invoke-MsTokenSession {
    # Sends one request and returns its result; with -Result, which gets that, it returns items as they arrive. An error
    # ends the cmdlet $Caller with an ErrorRecord. Messages of mstoken are warnings, or appear at once with -Interactive.
    # Steps are verbose output.
    param(
        [Parameter(Mandatory)] $Caller,
        [Parameter(Mandatory)] [string] $Method,
        [AllowEmptyCollection()] [string[]] $ArgumentList = @(),
        [hashtable] $Field = @{},
        [hashtable] $Variable = @{},
        $Certificate,
        [hashtable] $Result,
        [switch] $Interactive,
        [switch] $Silent
    )
    $request = @{
        method = $Method
        arguments = $ArgumentList
        folder = $Caller.SessionState.Path.CurrentFileSystemLocation.ProviderPath
    }
    if ($Certificate) { $request.certificate = [Convert]::ToBase64String($Certificate.RawData) }
    if ($VerbosePreference -ne 'SilentlyContinue') { $request.debug = $true }
    foreach ($name in $Field.Keys) { $request[$name] = $Field[$name] }
    $reply = @{}
    foreach ($attempt in 1, 2) {
        try { $session = Get-MsTokenSession } catch { $Caller.ThrowTerminatingError($_) }
        Send-MsTokenRequest $session $request $reply $Variable $Certificate $Caller -Interactive:$Interactive -Silent:$Silent
        if ($reply.Answer -or $reply.HasItems) { break } # a killed session is replaced once
    }
    if ($reply.Unfit) {
        $Caller.ThrowTerminatingError((New-MsTokenError @{
                    message = 'The mstoken that this module starts does not fit it.'
                    remedy = 'Install the module again: mstoken powershell --install'
                    kind = 'not_installed'
                }))
    }
    if ($null -eq $reply.Answer) {
        $Caller.ThrowTerminatingError((New-MsTokenError @{
                    message = 'mstoken ended unexpectedly.'; remedy = 'Try again with -Verbose.'; kind = 'bug'
                }))
    }
    $problem = $reply.Answer.error
    if ($problem) {
        foreach ($name in 'message', 'remedy') {
            if ($problem.$name) { $problem.$name = ConvertTo-MsTokenWord $problem.$name $Caller }
        }
        Write-MsTokenError $Caller (New-MsTokenError $problem)
        return
    }
    if ($null -ne $Result) { $Result.Value = $reply.Answer.result } else { $reply.Answer.result }
}

function Send-MsTokenLine($Session, [hashtable]$Line) {
    $bytes = [Text.Encoding]::UTF8.GetBytes((ConvertTo-MsTokenJson $Line) + "`n")
    $Session.Requests.Write($bytes, 0, $bytes.Length)
    $Session.Requests.Flush()
}

function ConvertTo-MsTokenJson([hashtable]$Line) {
    # JSON on one line. Texts are written here, since the first ConvertTo-Json of a session takes longer than a token.
    $parts = foreach ($entry in $Line.GetEnumerator()) {
        $value = $entry.Value
        $json = if ($entry.Key -ceq 'environment') { $value } # JSON already
        elseif ($value -is [string]) { [Web.HttpUtility]::JavaScriptStringEncode($value, $true) }
        elseif ($value -is [int]) { "$value" }
        elseif ($value -is [string[]]) {
            $texts = foreach ($one in $value) { [Web.HttpUtility]::JavaScriptStringEncode($one, $true) }
            "[$($texts -join ',')]"
        }
        else { ConvertTo-Json -InputObject $value -Compress -Depth 9 }
        [Web.HttpUtility]::JavaScriptStringEncode($entry.Key, $true) + ':' + $json
    }
    '{' + ($parts -join ',') + '}'
}

function Send-MsTokenRequest($Session, [hashtable]$Request, [hashtable]$Reply, [hashtable]$Variable, $Certificate, $Caller, [switch]$Interactive, [switch]$Silent) {
    # Returns items as they arrive, and puts the final answer into $Reply.Answer; none if the session has ended before it.
    $Session.Last++
    $id = $Session.Last
    $waits = $true
    $count = 0
    $name = if ($Request.request) { "$($Request.request.url)".Split('?')[0] } else { 'sign-in' } # a query may be secret
    $progress = @{ Activity = "MsToken: $name" }
    if ($Request.request.save) { $progress.Status = "writing $([IO.Path]::GetFileName($Request.request.save))" }
    try {
        $Request.id = $id
        $Request.environment = Get-MsTokenVariable $Session $Variable
        try { Send-MsTokenLine $Session $Request } catch [IO.IOException] { return }
        if (-not $Session.Ready) {
            $first = Read-MsTokenAnswer $Session
            $Reply.Unfit = $first.ready.protocol -ne $script:Protocol
            if ($Reply.Unfit) { return }
            $Session.Ready = $true
        }
        while ($null -ne ($answer = Read-MsTokenAnswer $Session $progress)) {
            if ($answer.id -ne $id) { continue }
            if ($answer.waiting) { $progress.Until = [DateTime]::UtcNow.AddSeconds($answer.waiting) }
            elseif ($null -ne $answer.message) {
                if ($Silent) { continue }
                $message = ConvertTo-MsTokenWord $answer.message $Caller
                if ($Interactive) { Write-Host $message } else { Write-Warning $message }
            }
            elseif ($null -ne $answer.sign) {
                $signature = New-MsTokenSignature $Certificate ([Convert]::FromBase64String($answer.sign))
                Send-MsTokenLine $Session @{ id = $id; signature = [Convert]::ToBase64String($signature) }
            }
            elseif ($null -ne $answer.debug) { Write-Verbose $answer.debug }
            elseif ($null -ne $answer.items) {
                $Reply.HasItems = $true
                $waits = $false # who takes the items may want no more: Select-Object -First
                $answer.items
                $waits = $true
                $count += @($answer.items).Count
                if ($answer.more) {
                    Write-Progress -Activity $progress.Activity -Status "items: $count"
                    Send-MsTokenLine $Session @{ id = $id; more = $true }
                }
            }
            else {
                $Reply.Answer = $answer
                return
            }
        }
    }
    finally {
        if ($count -or $progress.Count -gt 1) { Write-Progress -Activity $progress.Activity -Completed }
        if (-not $waits) { Complete-MsTokenItem $Session $id $Reply }
        if ($Reply.Answer) { (Get-MsTokenPool).Push($Session) }
        else {
            # Ctrl-C, or the session has ended: it stops what it does, and another one takes its place.
            try { Send-MsTokenLine $Session @{ cancel = $id } }
            catch { Write-Debug 'mstoken has ended already.' }
            Stop-MsTokenSession $Session
        }
    }
}

function Complete-MsTokenItem($Session, $Id, [hashtable]$Reply) {
    # Ends a request whose items nobody wants any more, so that its session serves the next request.
    try {
        Send-MsTokenLine $Session @{ id = $Id; more = $false }
        while ($null -ne ($answer = Read-MsTokenAnswer $Session)) {
            if ($answer.id -eq $Id -and ($answer.result -or $answer.error)) {
                $Reply.Answer = $answer
                return
            }
        }
    }
    catch { Write-Debug 'mstoken has ended already.' }
}

"""Completion in PowerShell, which click does not support."""

from __future__ import annotations

import os

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class

from mstoken.shell_quoting import any_shell, powershell

# PowerShell calls the block with the word at the cursor, the parsed command line, and the cursor's position
# (Register-ArgumentCompleter -Native). Words before the cursor go to the program, one on each line of a variable.
_SCRIPT = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s, %(prog_name)s.exe -ScriptBlock {
    param($word, $line, $cursor)
    $before = $line.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursor }
    $words = $before | ForEach-Object { if ($_.Value) { $_.Value } else { $_.Extent.Text } }
    $env:%(complete_var)s = 'powershell_complete'
    $env:COMP_WORDS = @($words) -join "`n"
    $env:COMP_CWORD = $word.Trim("'", '"')
    try { $found = @(& $line.GetCommandName()) } finally {
        Remove-Item Env:%(complete_var)s, Env:COMP_WORDS, Env:COMP_CWORD -ErrorAction Ignore
    }
    foreach ($item in $found) {
        $kind, $text, $shown, $help = $item -split "`t", 4
        if ($kind -ne 'plain') {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($word)
        } else {
            [System.Management.Automation.CompletionResult]::new($text, $shown, 'ParameterValue', $help)
        }
    }
}
"""


class PowerShellComplete(ShellComplete):
    """The script, and the completions in the form it reads: kind, text to insert, text to show and help, by tabs."""

    name = "powershell"
    source_template = _SCRIPT

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one at the cursor, and that one."""
        words = os.environ.get("COMP_WORDS", "")
        return words.split("\n") if words else [], os.environ.get("COMP_CWORD", "")

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Return one line. PowerShell requires a help text, and inserts a text as it is, so it is quoted if needed."""
        text = item.value if item.value.startswith("-") else any_shell(item.value) or powershell(item.value)
        shown = " ".join((item.help or item.value).split())
        return f"{item.type}\t{text}\t{item.value}\t{shown}"


def register() -> None:
    """Make the class known to click."""
    add_completion_class(PowerShellComplete)

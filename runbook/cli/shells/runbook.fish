# Completion of runbook for fish. Load it with: runbook completion fish | source

function __runbook_names
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l names ($words[1] completion fish -- $words[2..-1] "$current" 2>/dev/null)
    if test (count $names) -eq 0
        __fish_complete_path "$current"
    else
        printf '%s\n' $names
    end
end

complete --command runbook --no-files --arguments '(__runbook_names)'

#compdef runbook
# Completion of runbook for zsh. Load it with: source <(runbook completion zsh)

_runbook() {
    local line
    local -a lines whole whole_shown open open_shown
    lines=("${(@f)$($words[1] completion zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in $lines; do
        # What ends with = wants its value next, without a space.
        if [[ ${line%%$'\t'*} == *= ]]; then
            open+=("${line%%$'\t'*}")
            open_shown+=("${line/$'\t'/  }")
        else
            whole+=("${line%%$'\t'*}")
            whole_shown+=("${line/$'\t'/  }")
        fi
    done
    if (( $#whole + $#open == 0 )); then
        _files
        return
    fi
    # -U: a part of a name is enough, so zsh must not ask for its beginning.
    (( $#whole )) && compadd -U -l -V names -d whole_shown -a whole
    (( $#open )) && compadd -U -l -V values -S '' -d open_shown -a open
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _runbook "$@"
else
    compdef _runbook runbook
fi

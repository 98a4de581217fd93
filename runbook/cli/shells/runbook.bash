# Completion of runbook for bash. Load it with: source <(runbook completion bash)

_runbook() {
    local words=() count=0 word before="" current=${COMP_WORDS[COMP_CWORD]} kept
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        # bash takes name=value and host:port apart; put them together again.
        if ((count > 0)) && [[ $word == [=:]* || $before == [=:] ]]; then
            words[count - 1]+=$word
        else
            words[count]=$word
            count=$((count + 1))
        fi
        before=$word
    done
    [[ $current == [=:] ]] && current=""
    kept=${words[count - 1]%"$current"}
    COMPREPLY=()
    while IFS= read -r word; do
        printf -v word %q "${word#"$kept"}"
        COMPREPLY+=("$word")
    done < <("$1" completion bash -- "${words[@]}" 2>/dev/null)
    if [[ ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -o nosort -o default -F _runbook runbook 2>/dev/null || complete -o default -F _runbook runbook

# Completion of oauthctl for bash.
_oauthctl() {
    local IFS=$'\013' words=() rest=$COMP_LINE i word gap current kept=
    # Bash breaks words at `:` and `=`: what stands together in the line is one word again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $word ]]; then
            gap=${rest%%"$word"*}
            rest=${rest#*"$word"}
        else
            gap=
            [[ ${COMP_LINE:0:COMP_POINT} == *[[:blank:]] ]] && gap=' '
        fi
        # Of the last one, what stands before the cursor.
        if [[ $i -eq $COMP_CWORD && $word == *[!:=]* ]]; then
            word=$2
        fi
        if [[ $i -gt 0 && -z $gap ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
    done
    current=${words[${#words[@]} - 1]}
    # And what stands before the last break is in the line already.
    if [[ $current == *[:=]* && $COMP_WORDBREAKS == *[:=]* ]]; then
        kept=${current%"${current##*[:=]}"}
    fi
    if compopt +o nospace 2>/dev/null; then
        local space=false
    else
        local space=true
    fi
    COMPREPLY=($(
        COMPLETE=bash \
        _CLAP_IFS="$IFS" \
        _CLAP_COMPLETE_INDEX=$((${#words[@]} - 1)) \
        _CLAP_COMPLETE_COMP_TYPE=$COMP_TYPE \
        _CLAP_COMPLETE_SPACE=$space \
        @PROGRAM@ -- "${words[@]}" 2>/dev/null
    )) || COMPREPLY=()
    for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
        COMPREPLY[i]=${COMPREPLY[i]#"$kept"}
    done
    if [[ $space == false && ${COMPREPLY-} =~ [=/:]$ ]]; then
        compopt -o nospace
    fi
}
if [[ ${BASH_VERSINFO[0]} -gt 4 || ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ]]; then
    complete -o nospace -o bashdefault -o nosort -F _oauthctl oauthctl
else
    complete -o nospace -o bashdefault -F _oauthctl oauthctl
fi

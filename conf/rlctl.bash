# SPDX-License-Identifier: Apache-2.0
# Completion for bash: commands, options, and what the server knows when it answers within half a second: names of rules,
# parts of their keys, and tags. It needs nothing but bash, and works with the package bash-completion, too.

# What the server knows. Words of it are only taken if nothing in them means anything to a shell.
_rlctl_ask() {
    env -u COLUMNS "$program" "$@" --timeout 0.5 --color never "${server[@]}" 2>/dev/null | awk 'NF == 0 { exit } NR > 1'
}

_rlctl_rules() {
    _rlctl_ask show | awk '$1 ~ /^[A-Za-z][A-Za-z0-9_-]*$/ { print $1 }' | sort -u
}

# The parts of the rule's key, with what stands between them and a value.
_rlctl_parts() {
    _rlctl_ask show | awk -v rule="$1" '$1 == rule { print $3; exit }' | tr + '\n' | sed -E 's,/[0-9/]+$,,' | grep -E '^[A-Za-z][A-Za-z0-9:_/.-]*$' | sed 's/$/=/'
}

_rlctl_tags() {
    _rlctl_ask top --lines 1000 | awk '$2 ~ /^[0-9a-f]+$/ { print $2 }' | sort -u
}

# Options of a command; those without a value after a |.
_rlctl_options() {
    local server='url user password-file cacert timeout color json help'
    case $1 in
    health) echo "$server" ;;
    show | clear) echo "$server vhost" ;;
    why) echo "$server" ;;
    top) echo "$server vhost rule denied lines" ;;
    exempt) echo "$server vhost for" ;;
    check) echo 'config httpd module help' ;;
    networks) echo 'label format help' ;;
    replay) echo 'rules config format percent top json csv denied plot httpd module help' ;;
    *) echo 'help version url user password-file cacert timeout color json' ;;
    esac
}

# Reads the words before the cursor: sets command, arguments (after it) and server (options that choose one).
_rlctl_read() {
    local word option=
    for word in "${words[@]:1:${#words[@]}-2}"; do
        if [[ -n $option ]]; then
            [[ $option == --@(url|user|password-file|cacert) ]] && server+=("$option" "$word")
            option=
        elif [[ $word == --*=* ]]; then
            [[ $word == --@(url|user|password-file|cacert)=* ]] && server+=("$word")
        elif [[ $word == --* ]]; then
            [[ $word == --@(json|csv|denied|help|version) || ($word == --config && $command == check) ]] || option=$word
        elif [[ -z $command ]]; then
            command=$word
        else
            arguments+=("$word")
        fi
    done
    pending=$option
}

# What may stand here, one a line; names of files are left to bash.
_rlctl_candidates() {
    case $pending in
    --color) printf '%s\n' auto always never ;;
    --rule) _rlctl_rules ;;
    --for) printf '%s\n' 5m 1h 1d ;;
    --format) [[ $command == networks ]] && printf '%s\n' prefix-asn json || printf '%s\n' common combined vhost_common vhost_combined ;;
    --*) ;;
    *)
        if [[ $cur == -* ]]; then
            _rlctl_options "$command" | tr ' ' '\n' | sed 's/^/--/'
        elif [[ -z $command ]]; then
            printf '%s\n' health show top why clear exempt check networks replay
        elif [[ $command == @(show|clear|exempt) && ${#arguments[@]} -gt 0 ]]; then
            _rlctl_parts "${arguments[0]}"
        elif [[ $command == @(show|clear|exempt) ]]; then
            _rlctl_rules
            [[ $command == show ]] || _rlctl_tags
        elif [[ $command == why ]]; then
            _rlctl_tags
        fi ;;
    esac
}

_rlctl() {
    local -a words server=() arguments=()
    local program=$1 command= pending= cur line before
    line=${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cur=${words[${#words[@]}-1]}
    _rlctl_read
    COMPREPLY=()
    while IFS= read -r line; do
        [[ $line == "$cur"* ]] && COMPREPLY+=("$line")
    done < <(_rlctl_candidates)
    # bash takes what follows a ':' or '=' for a word of its own.
    before=${cur%"${cur##*[:=]}"}
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    [[ ${#COMPREPLY[@]} -gt 0 || -n $pending || $command == @(check|networks|replay) ]] || compopt +o default
}

complete -o default -F _rlctl rlctl

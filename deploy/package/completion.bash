# SPDX-License-Identifier: Apache-2.0
#
# bash completion for tocsin: subcommands and options, as the program's own help names them.

_tocsin() {
  local current=${COMP_WORDS[COMP_CWORD]} word help candidates
  local -a command=()
  # The subcommands so far; options and their values are passed over.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      demo | produce | detect | store | search | scan | rules | topics | dlq | spool | trace | latency | report | serve | config | doctor) command=("$word") ;;
      check | list | explain | test | coverage | stats | fetch | show | read | create | delete | replay | evtx | jsonl | synthetic)
        [ ${#command[@]} = 1 ] && command+=("$word") ;;
    esac
  done
  help=$(tocsin "${command[@]}" --help 2>/dev/null) || return
  if [[ $current == -* ]]; then
    candidates=$(grep -oE -- '(^|[ ,])--[a-z][a-z-]*' <<<"$help" | tr -d ' ,' | sort -u)
  else
    candidates=$(awk '/^[Ss]ubcommands|^[Cc]ommands/ {inside = 1; next} /^[^ ]/ {inside = 0} inside && /^  [a-z]/ {print $1}' <<<"$help")
  fi
  mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
}
complete -o default -F _tocsin tocsin

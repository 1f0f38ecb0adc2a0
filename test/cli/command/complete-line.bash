# Completes $LINE as bash would with the script $1, one candidate a line.
emufarm() { "$NODE" "$MAIN" "$@"; }
source "$1"
COMP_LINE=$LINE COMP_POINT=${#LINE}
COMP_WORDS=($LINE)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
case $LINE in *" ") COMP_CWORD=$((COMP_CWORD + 1)) ;; esac
_emufarm emufarm
for candidate in "${COMPREPLY[@]}"; do echo "$candidate"; done

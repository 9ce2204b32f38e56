# shellcheck shell=bash
# Shared by the check scripts: the files of a tree, and how a violation is told.
#
# A check is called with the root of a tree (default: the repository), prints one line "FILE:LINE: what is wrong" for each
# violation and exits 1 if there was any.

root=${1:-$(dirname "$0")/..}
cd "$root" || exit 2
violations=0

# files PATTERN...: the files of the tree that match (shell patterns on the whole path), ignored ones left out.
files() {
    local all pattern file
    if git rev-parse --show-toplevel >/dev/null 2>&1 && [ "$(git rev-parse --show-toplevel)" = "$(pwd -P)" ]; then
        all=$(git ls-files -co --exclude-standard)
    else
        all=$(find . -type f -not -path './build/*' -not -path './.git/*' | sed 's|^\./||')
    fi
    while read -r file; do
        [ -f "$file" ] || continue
        for pattern in "$@"; do
            # shellcheck disable=SC2053  # the right side is a pattern
            if [[ $file == $pattern ]]; then printf '%s\n' "$file"; break; fi
        done
    done <<<"$all"
}

# report TEXT: counts and prints each line of TEXT, with the reason behind it.
report() {
    local lines=$1 reason=$2 line
    [ -n "$lines" ] || return 0
    while IFS= read -r line; do
        printf '%s   <- %s\n' "$line" "$reason"
        violations=$((violations + 1))
    done <<<"$lines"
}

# forbid REASON REGEX FILE...: reports every line of the files that matches.
forbid() {
    local reason=$1 regex=$2
    shift 2
    [ $# -gt 0 ] || return 0
    report "$(grep -nHE -- "$regex" "$@" /dev/null)" "$reason"
}

finish() {
    if [ "$violations" -gt 0 ]; then
        printf '%s: %d violations\n' "$(basename "$0")" "$violations"
        exit 1
    fi
    printf '%s: clean\n' "$(basename "$0")"
}

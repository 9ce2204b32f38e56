#!/usr/bin/env bash
# usage: check_layers.sh [ROOT]    Includes go only to the rooms that the table of src/README.md allows.
. "$(dirname "$0")/check_common.sh"

# "ROOM ALLOWED..." for each row of the table: | `room` | job | rooms |
rows=$(sed -nE 's/^\| `([a-z0-9_]+)` \|[^|]*\| *([a-z0-9_ ]*)\|$/\1 \2/p' src/README.md)
[ -n "$rows" ] || report src/README.md 'has no table of rooms'

declare -A allowed
known=' '
while read -r room rest; do
    for other in $rest; do
        [[ $known == *" $other "* ]] || report src/README.md "$room may include $other, which does not stand below it"
    done
    allowed[$room]=" $room $rest "
    known="$known$room "
done <<<"$rows"

# Each "FILE:LINE:HEADER" of an include; HEADER keeps its quote or bracket in front.
includes() {
    [ $# -eq 0 ] || grep -nHE '^[[:space:]]*#[[:space:]]*include' "$@" |
        sed -E 's/^([^:]*:[0-9]+):[[:space:]]*#[[:space:]]*include[[:space:]]*(["<][^">]*).*/\1:\2/'
}

mapfile -t room_files < <(files 'src/*/*.[ch]')
while IFS=: read -r file line header; do
    [ -n "$header" ] || continue
    room=${file#src/}
    room=${room%%/*}
    target=${header#[\"<]}
    case $header in
        \"*/../* | \"../* | \"./*) report "$file:$line: $target" 'relative include' ;;
        [\"\<]pomona/*) ;;
        \"*/*)
            if [ -z "${allowed[$room]:-}" ]; then
                report "$file:$line" "the room $room has no row in src/README.md"
            elif [[ ${allowed[$room]} != *" ${target%%/*} "* ]]; then
                report "$file:$line: $target" "$room may not include ${target%%/*}"
            fi ;;
        \"*) report "$file:$line: $target" 'write "room/file.h"' ;;
    esac
done < <(includes "${room_files[@]}")

# Public headers and the programs that show how to use them know nothing of the rooms.
mapfile -t public < <(files 'include/pomona/*' 'examples/*.c' 'bench/*.c' | grep -v meson.build)
while IFS=: read -r file line header; do
    case $header in
        '' | \<[a-z]*.h | \"pomona/*) ;;
        *) report "$file:$line: ${header#?}" 'only pomona/*.h and the C library' ;;
    esac
done < <(includes "${public[@]}")
finish

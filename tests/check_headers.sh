#!/usr/bin/env bash
# usage: check_headers.sh [ROOT]   Each public header compiles alone as C11 and as C++, each internal one as C11.
. "$(dirname "$0")/check_common.sh"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/pomona"
for template in include/pomona/*.h.in; do
    [ ! -f "$template" ] || sed 's/@[A-Z]*@/0/' "$template" >"$scratch/pomona/$(basename "$template" .in)"
done

# alone COMPILER... HEADER: a file that is nothing but the include.
alone() {
    local header=${*: -1}
    printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        "${@:1:$#-1}" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude -Isrc -I"$scratch" - 2>&1 |
        grep -m 1 -E ': (fatal )?error:'
}

while read -r header; do
    report "$(alone clang -std=c11 -x c "$header")" "$header does not stand alone in C11"
    report "$(alone g++ -std=c++11 -x c++ "$header")" "$header does not stand alone in C++"
done < <(files 'include/pomona/*.h' 'include/pomona/*.h.in' | sed -e 's|^include/||' -e 's|\.in$||')

# Templates of kernels (simd.h, kernels/simd/) are left out: they mean nothing without the macros of an instruction set.
while read -r header; do
    report "$(alone clang -std=c11 -D_GNU_SOURCE -Wno-gnu -x c "$header")" "$header does not stand alone"
done < <(files 'src/*.h' | sed 's|^src/||' | grep -v -e '\.pb-c\.h$' -e '^kernels/.*simd')
finish

#!/usr/bin/env bash
# usage: check_style.sh [ROOT]     Format, banned calls, length of files, and words that don't belong in a repository.
. "$(dirname "$0")/check_common.sh"

mapfile -t c_files < <(files '*.[ch]' | grep -v -e '\.pb-c\.[ch]$')
mapfile -t library < <(files 'src/*.[ch]' | grep -v -e '^src/cli/' -e '\.pb-c\.[ch]$')
mapfile -t rooms < <(files 'src/*.[ch]' | grep -v -e '^src/base/memory\.c$' -e '\.pb-c\.[ch]$')
mapfile -t code < <(files '*.[ch]' '*.py' '*.sh' '*.js' 'dev' '.ci/*' '*meson.build' | grep -v -e '\.pb-c\.[ch]$')
mapfile -t text < <(files '*.[ch]' '*.h.in' '*.py' '*.sh' '*.js' '*.md' '*.txt' '*.proto' '*.map' '*.[1-9]' 'dev' '.ci/*' \
    '*meson.build' LICENSE | grep -v -e '\.pb-c\.[ch]$')

# Format. Another version of clang-format breaks lines elsewhere, so only this one counts.
format=$(command -v clang-format-14 || command -v clang-format)
if [ ${#c_files[@]} -gt 0 ]; then
    report "$("$format" --dry-run --Werror "${c_files[@]}" 2>&1 | grep -E ': (error|warning):' | cut -c 1-160)" './dev format'
fi

# Calls that can't be bounded, that forget errors, or whose result can't be checked.
forbid 'banned call' '(^|[^A-Za-z0-9_])(v?sprintf|strcpy|strcat|strtok|ato[ifl]|atoll|gets|alloca|mktemp|tmpnam)[[:space:]]*\(' \
    "${c_files[@]}"
# The library neither prints nor ends its host, and keeps no state that a second caller would see.
forbid 'the library reports errors as values' '(^|[^A-Za-z0-9_.>])(abort|_?exit|assert|v?printf|puts|putchar|perror)[[:space:]]*\(|[^A-Za-z0-9_]fprintf[[:space:]]*\([[:space:]]*std(err|out)' \
    "${library[@]}"
# Memory comes from base/memory.h, where sizes are checked and tests can make it fail.
forbid 'allocate through base/memory.h' '(^|[^A-Za-z0-9_.>])(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|strn?dup)[[:space:]]*\(' \
    "${rooms[@]}"

for file in "${code[@]}"; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 600 ] || report "$file:$lines: $lines lines" 'over 600 lines: one room, one job'
done

# What is built or downloaded is not committed, and neither are large files.
report "$(files '*.whl' '*.o' '*.so' '*.a' '*.pyc' '*.zip' '*.tar.gz')" 'a product of a build or a download'
mapfile -t everything < <(files '*')
report "$(find "${everything[@]}" -maxdepth 0 -size +3M 2>/dev/null)" 'over 3 MB'

forbid 'trailing space' '[[:space:]]$' "${text[@]}"
forbid 'tab' $'\t' "${c_files[@]}"
for file in "${text[@]}"; do
    [ -z "$(tail -c 1 "$file")" ] || report "$file" 'no newline at the end'
done
# The brackets keep these patterns from finding themselves.
forbid 'unfinished' '((TOD[O]|FIXM[E]|HAC[K])|(^|[^X])XX[X])($|[^A-Za-z])|[Ff]or no[w]($|[^A-Za-z])' "${text[@]}"
forbid 'em dash' $'\xe2\x80\x94' "${text[@]}"
forbid 'path of one machine' '/(wor[k]|far[m]|roo[t]|home/[a-z]+)/|/tmp/bash_job[s]' "${text[@]}"

if command -v shellcheck >/dev/null; then
    mapfile -t shell < <(files '*.sh' 'dev' '.ci/run')
    [ ${#shell[@]} -eq 0 ] || report "$(shellcheck -x -f gcc -e SC1091,SC2016,SC2154 "${shell[@]}")" 'shellcheck'
fi
finish

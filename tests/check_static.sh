#!/usr/bin/env bash
# usage: check_static.sh BUILD     clang-tidy (.clang-tidy lists the checks) over the sources of a configured build.
set -euo pipefail
build=${1:?usage: check_static.sh BUILD}
cd "$(dirname "$0")/.."
tidy=$(command -v clang-tidy-14 || command -v clang-tidy)

# Kernels are left out: their intrinsics make the analyzer slow, and what it looks for (leaks, null) is not there.
mapfile -t sources < <(git ls-files 'src/*.c' | grep -v -e '^src/kernels/' -e '\.pb-c\.c$')
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 1 "$tidy" -p "$build" --quiet --warnings-as-errors='*' 2>&1 |
    { grep -v -E '^[0-9]+ warnings (generated|treated)|^$|^Suppressed' || [ $? -eq 1 ]; }
echo 'check_static.sh: clean'

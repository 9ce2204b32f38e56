#!/usr/bin/env bash
# usage: check_symbols.sh LIBPOMONA.so     The library shows every public function, with its version, and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
exported=$(nm -D --defined-only --with-symbol-versions "$1" | awk '$2 != "A" {print $3}' | sort)
declared=$(grep -hoE 'POMONA_API [^;(]*\(' include/pomona/*.h include/pomona/*.h.in | grep -oE 'pomona_[a-z0-9_]+\(' | tr -d '(' |
    sort -u | sed 's/$/@@POMONA_0.1/')
if ! diff <(echo "$declared") <(echo "$exported"); then
    echo 'check_symbols.sh: < declared but not exported, > exported but not declared'
    exit 1
fi
echo "check_symbols.sh: $(wc -l <<<"$declared") functions"

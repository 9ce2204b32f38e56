#!/usr/bin/env bash
# usage: check_install.sh BUILD     An installed pomona serves a stranger: pkg-config, the examples compiled with either
# library, and run on photos that pomona draws.
set -euo pipefail
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
DESTDIR=$root meson install -C "$build" --no-rebuild --quiet >/dev/null
pc=$(find "$root" -name pomona.pc)
libraries=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$root LD_LIBRARY_PATH=$libraries
pomona=$(find "$root" -name pomona -type f -path '*/bin/*')

"$pomona" --version
[ "$("$pomona" --version)" = "pomona $(pkg-config --modversion pomona)" ]
"$pomona" sample --out "$scratch/photos" --count 6 --classes 2 --seed 1 -q
"$pomona" features "$scratch/photos" --out "$scratch/out" --partitions 2 -q
photo=$(find "$scratch/photos" -name '*.jpg' | sort | head -n 1)

# example KIND NAME ARGUMENT...: compiles with shared or static libraries and runs.
example() {
    local kind=$1 name=$2 flags needed
    shift 2
    if [ "$kind" = static ]; then
        # -l:libpomona.a picks pomona's own static library; the libraries that it stands on stay shared.
        flags="$(pkg-config --cflags pomona) -L$libraries -l:libpomona.a -lsnappy -lm -lpthread"
        mapfile -t needed < <(pkg-config --print-requires-private pomona)
        flags="$flags $(pkg-config --libs-only-l "${needed[@]}")"
    else
        flags=$(pkg-config --cflags --libs pomona)
    fi
    # shellcheck disable=SC2086  # flags are words
    cc -std=c11 -Wall -Wextra -Werror "examples/$name.c" $flags -o "$scratch/$name-$kind"
    "$scratch/$name-$kind" "$@"
}

for kind in shared static; do
    features=$(example $kind features_of_one_photo "$photo" | wc -l)
    rows=$(example $kind read_features "$scratch/out/Results")
    [ "$(head -n 1 <<<"$rows")" = "6 rows of $features features in 2 parts" ]
    example $kind resize_a_photo "$photo" 40 30 "$scratch/small.jpg"
    example $kind resize_a_photo "$scratch/small.jpg" 40 30 "$scratch/again.jpg"
    # A bad input is an error with a reason, not a crash.
    : >"$scratch/empty.jpg"
    if example $kind features_of_one_photo "$scratch/empty.jpg" 2>"$scratch/reason"; then exit 1; fi
    grep -q 'empty.jpg: ' "$scratch/reason"
done
echo 'check_install.sh: pkg-config, shared and static examples work'

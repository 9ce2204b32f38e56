#!/usr/bin/env bash
# usage: check_self.sh     A small clean tree passes the checks, and each single violation put into it is caught.
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
cases=0

# A tree of two rooms that all checks accept.
clean_tree() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/src/base" "$scratch/tree/src/image" "$scratch/tree/include/pomona" "$scratch/tree/docs"
    cd "$scratch/tree" || exit 2
    cp "$here/../.clang-format" .
    printf '| room | job | may include |\n|---|---|---|\n| `base` | ground | |\n| `image` | pictures | base |\n' >src/README.md
    printf '#ifndef BASE_A_H\n#define BASE_A_H\nint a(void);\n#endif\n' >src/base/a.h
    printf '#include "base/a.h"\n\nint a(void) { return 1; }\n' >src/base/a.c
    printf '#include "base/a.h"\n\nint b(void);\nint b(void) { return a(); }\n' >src/image/b.c
    printf '#ifndef POMONA_C_H\n#define POMONA_C_H\nint pomona_c(void);\n#endif\n' >include/pomona/c.h
    printf 'A page.\n' >docs/page.md
}

# expect STATUS CHECK NAME: runs the check over the tree.
expect() {
    local wanted=$1 check=$2 name=$3 got=0 output
    cases=$((cases + 1))
    output=$(bash "$here/check_$check.sh" "$scratch/tree" 2>&1) || got=1
    [ "$got" -eq "$wanted" ] && return
    failed=$((failed + 1))
    printf 'check_%s: %s: expected status %d, got %d\n%s\n' "$check" "$name" "$wanted" "$got" "$output"
}

# caught CHECK NAME FILE LINE: appends one line to a file of a clean tree; the check must fail.
caught() {
    clean_tree
    printf '%b' "$4" >>"$3"
    expect 1 "$1" "$2"
}

for check in style layers headers; do
    clean_tree
    expect 0 "$check" 'a clean tree'
done

caught style 'bad format' src/base/a.c 'int  x( void );\n'
caught style 'sprintf' src/base/a.c 'void d(char *t) { sprintf(t, "x"); }\n'
caught style 'atoi' src/image/b.c 'int d(const char *t) { return atoi(t); }\n'
caught style 'abort in the library' src/base/a.c 'void d(void) { abort(); }\n'
caught style 'printing in the library' src/base/a.c 'void d(void) { printf("x"); }\n'
caught style 'malloc outside base/memory.c' src/image/b.c 'void *d(void) { return malloc(1); }\n'
caught style 'trailing space' docs/page.md 'word \n'
caught style 'no newline at the end' docs/page.md 'word'
caught style 'unfinished word' docs/page.md 'TOD''O: more\n'
caught style 'em dash' docs/page.md 'a \xe2\x80\x94 b\n'
caught style 'machine path' docs/page.md 'see /hom''e/someone/x\n'
caught style 'shell mistake' run.sh '#!/bin/sh\ncd $1\n'
caught style 'a long file' src/base/a.c "$(printf '/* x */\\n%.0s' {1..601})"
caught style 'a downloaded package' docs/some.whl 'x\n'
clean_tree
head -c 4000000 /dev/zero >docs/large.bin
expect 1 style 'a large file'
caught layers 'base includes image' src/base/a.c '#include "image/b.h"\n'
caught layers 'include without a room' src/image/b.c '#include "b.h"\n'
caught layers 'relative include' src/image/b.c '#include "../base/a.h"\n'
caught layers 'a public header includes a room' include/pomona/c.h '#include "base/a.h"\n'
caught layers 'a row that points upwards' src/README.md '| `jpeg` | marks | net |\n'
clean_tree
mkdir -p src/stray
printf '#include "base/a.h"\n' >src/stray/s.c
expect 1 layers 'a room without a row'
caught headers 'a public header that needs another' include/pomona/c.h 'size_t pomona_d(void);\n'
caught headers 'a public header that is not C++' include/pomona/c.h 'int pomona_e(int class);\n'
caught headers 'an internal header that needs another' src/base/a.h 'uint8_t e(void);\n'

printf 'check_self.sh: %d passed, %d failed\n' $((cases - failed)) "$failed"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# usage: fetch.sh arm64 DIR | fetch.sh protobuf-c DIR
#
# What the whole core needs on another target than this machine, from Debian's archive, without touching this machine's packages:
#   arm64       libraries of AArch64 in DIR/debian, and DIR/cross.txt, a second cross file for Meson
#   protobuf-c  the source of protobuf-c in DIR: there are no libraries for WebAssembly
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2s/^# //p' "$0"; exit 1; }
mkdir -p "$2"
cd "$2"
dir=$PWD
[ ! -f ready ] || exit 0

mkdir -p apt/lists/partial apt/archives/partial apt/sources
: >apt/status
options=(-q -o Dir::State="$dir/apt" -o Dir::State::status="$dir/apt/status" -o Dir::Cache="$dir/apt" -o APT::Sandbox::User=root
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/apt/sources")
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
key=/usr/share/keyrings/debian-archive-keyring.gpg
# types TYPE: from where apt takes packages.
types() { printf 'Types: %s\nURIs: %s\nSuites: bookworm\nComponents: main\nSigned-By: %s\n' "$1" "$mirror" "$key" >apt/sources/debian.sources; }

case $1 in
    arm64)
        types deb
        options+=(-o APT::Architecture=arm64 -o APT::Architectures=arm64)
        apt-get "${options[@]}" update
        apt-get "${options[@]}" download libprotobuf-c1 libprotobuf-c-dev libjpeg62-turbo libjpeg62-turbo-dev libcmocka0 libcmocka-dev
        for package in *.deb; do dpkg -x "$package" debian; done
        libraries=$dir/debian/usr/lib/aarch64-linux-gnu
        cat >cross.txt <<TEXT
[binaries]
pkgconfig = 'pkg-config'
exe_wrapper = ['$dir/run']

[properties]
sys_root = '$dir/debian'
pkg_config_libdir = '$libraries/pkgconfig'

[built-in options]
c_args = ['-isystem', '$dir/debian/usr/include/aarch64-linux-gnu']
TEXT
        printf '#!/bin/sh\nexec qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=%s "$@"\n' "$libraries" >run
        chmod +x run
        ;;
    protobuf-c)
        types deb-src
        apt-get "${options[@]}" update
        apt-get "${options[@]}" source --download-only protobuf-c
        tar -xf protobuf-c_*.orig.tar.gz --strip-components 1 --wildcards '*/protobuf-c/protobuf-c.[ch]'
        ;;
    *) exit 1 ;;
esac
: >ready

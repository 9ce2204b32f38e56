#!/usr/bin/env bash
# usage: fetch.sh arm64 DIR | fetch.sh protobuf-c DIR | fetch.sh http DIR
#
# What the whole core needs on another target than this machine, from Debian's archive, without touching this machine's packages:
#   arm64       libraries of AArch64 in DIR/debian, and Python 3.11 with its headers; DIR/cross.txt, a second cross file for Meson;
#               DIR/run and DIR/python, which run a program and Python under emulation
#   protobuf-c  the source of protobuf-c in DIR: there are no libraries for WebAssembly
#   http        the sources of libcurl and expat in DIR/curl and DIR/expat, with Debian's patches: release wheels carry their own
#
# A folder that this very script made is left as it is.
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2s/^# //p' "$0"; exit 1; }
version=$(sha256sum <"$0")
mkdir -p "$2"
cd "$2"
dir=$PWD
[ "$(cat ready 2>/dev/null)" != "$version" ] || exit 0

rm -rf ready debian ./*.deb
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
        apt-get "${options[@]}" download libprotobuf-c1 libprotobuf-c-dev libjpeg62-turbo libjpeg62-turbo-dev libcmocka0 libcmocka-dev \
            libsnappy1v5 libsnappy-dev libzstd1 libzstd-dev zlib1g zlib1g-dev \
            python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libpython3.11-dev libexpat1 libffi8 libssl3 \
            libssl-dev libjansson4 libjansson-dev
        for package in *.deb; do dpkg -x "$package" debian; done
        libraries=$dir/debian/usr/lib/aarch64-linux-gnu
        # Debian has zlib in /lib, and a link to it that names the root of the machine.
        cp -a debian/lib/aarch64-linux-gnu/. "$libraries"
        ln -sf libz.so.1 "$libraries/libz.so"
        cat >cross.txt <<TEXT
[binaries]
pkgconfig = 'pkg-config'
exe_wrapper = ['$dir/run']

[properties]
sys_root = '$dir/debian'
pkg_config_libdir = '$libraries/pkgconfig'

[built-in options]
c_args = ['-isystem', '$dir/debian/usr/include/aarch64-linux-gnu', '-isystem', '$dir/debian/usr/include']
c_link_args = ['-L$libraries', '-Wl,-rpath-link,$libraries']
TEXT
        printf '#!/bin/sh\nexec qemu-aarch64 -cpu "${QEMU_CPU:-max}" -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=%s "$@"\n' "$libraries" >run
        printf '#!/bin/sh\nexec env PYTHONHOME=%s "%s" %s "$@"\n' "$dir/debian/usr" "$dir/run" "$dir/debian/usr/bin/python3.11" >python
        chmod +x run python
        ;;
    protobuf-c)
        types deb-src
        apt-get "${options[@]}" update
        apt-get "${options[@]}" source --download-only protobuf-c
        tar -xf protobuf-c_*.orig.tar.gz --strip-components 1 --wildcards '*/protobuf-c/protobuf-c.[ch]'
        ;;
    http)
        types deb-src
        apt-get "${options[@]}" update
        apt-get "${options[@]}" source --download-only curl expat
        rm -rf curl expat
        dpkg-source -x curl_*.dsc curl
        dpkg-source -x expat_*.dsc expat
        # Debian's patches are for a build by autoconf, which defines it as a number.
        sed -i 's/^#cmakedefine XML_DTD$/#cmakedefine XML_DTD 1/' expat/expat/expat_config.h.cmake
        ;;
    *) exit 1 ;;
esac
printf '%s\n' "$version" >ready

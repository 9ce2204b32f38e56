#!/usr/bin/env bash
# usage: build_wheels.sh [x86_64] [aarch64]     Release wheels into build/dist; without arguments for both.
#
# Needs Debian 12 with the packages of ./dev build, and cmake, dpkg-dev, python3-dev, python3-venv; for aarch64 those of ./dev test
# (gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user) too. docs/internals/wheels.md says what a wheel promises.
#
# PYTHON    the interpreter that builds (default: /usr/bin/python3); one wheel serves Python 3.9 and later whichever it is
# JOBS      processes of the compiler (default: the cores)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
policy=manylinux_2_34 # glibc of Amazon Linux 2023 and RHEL 9
[ $# -gt 0 ] || set -- x86_64 aarch64

stop() {
    printf 'build_wheels.sh: %s\n' "$*" >&2
    exit 1
}

tools=build/venv-wheels
stamp=$(sha256sum <python/requirements-wheels.txt)
if [ "$(cat $tools/.requirements 2>/dev/null)" != "$stamp" ]; then
    "${PYTHON:-/usr/bin/python3}" -m venv --clear $tools
    $tools/bin/pip install -q -r python/requirements-wheels.txt
    printf '%s\n' "$stamp" >$tools/.requirements
fi
export PATH=$root/$tools/bin:$PATH
# The same commit, the same bytes: files in the archives have its time.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH

# licences FOLDER DOC: those of pomona and of the libraries that travel along, whose terms ask for it. DOC has Debian's copyright files.
licences() {
    local package
    mkdir -p "$1/licenses"
    cp LICENSE "$1/licenses/LICENSE"
    for package in curl expat; do cp "$http/$package/debian/copyright" "$1/licenses/$package.txt"; done
    for package in libjpeg62-turbo libprotobuf-c1 libsnappy1v5 libzstd1 zlib1g libssl3 libjansson4; do
        [ -f "$2/$package/copyright" ] || stop "$2/$package/copyright is missing: the wheel carries that library"
        cp "$2/$package/copyright" "$1/licenses/$package.txt"
    done
}

# own_zlib LIBRARIES FOLDER EXTENSION...: gives the extensions a zlib of its own name in FOLDER. The policy lets a wheel expect the system's,
# so auditwheel would leave it out; then the wheel would need a library that small images lack.
own_zlib() {
    local extension
    cp "$1/libz.so.1" "$2/libz-pomona.so.1"
    patchelf --set-soname libz-pomona.so.1 "$2/libz-pomona.so.1"
    for extension in "${@:3}"; do patchelf --replace-needed libz.so.1 libz-pomona.so.1 "$extension"; done
}

# wheel ARCHITECTURE DOC LIBRARIES [OPTION OF MESON...]: one wheel; DOC and LIBRARIES are folders of Debian's packages.
wheel() {
    local arch=$1 doc=$2 libraries=$3 raw=build/dist/$1 options=() option unpacked extensions
    shift 3
    set -- -Dwheel_reader=enabled "$@"
    for option in "$@"; do options+=("-Csetup-args=$option"); done
    rm -rf "$raw"
    mkdir -p "$raw/libraries"
    python -m build --wheel --no-isolation -Cbuild-dir="build/wheel-$arch" -Ccompile-args="-j${JOBS:-$(nproc)}" "${options[@]}" \
        -o "$raw/built" .
    python -m wheel unpack -d "$raw" "$raw"/built/*.whl
    unpacked=$(echo "$raw"/pomona-*)
    extensions=("$unpacked"/pomona/_core.abi3.so "$unpacked"/pomona/_store.abi3.so)
    "$arch-linux-gnu-strip" --strip-unneeded "${extensions[@]}"
    own_zlib "$libraries" "$raw/libraries" "${extensions[@]}"
    licences "$(echo "$unpacked"/*.dist-info)" "$doc"
    mkdir "$raw/licensed"
    python -m wheel pack -d "$raw/licensed" "$unpacked"
    # Compiled for the stable ABI of 3.9 (python/meson.build), so that is the tag, whatever Python was here.
    python -m wheel tags --remove --python-tag cp39 --abi-tag abi3 "$raw"/licensed/*.whl
    # By name, auditwheel knows only the policies of the machine it runs on; "auto" is the oldest that fits.
    AUDITWHEEL_LD_LIBRARY_PATH=$root/$raw/libraries:$libraries auditwheel repair --only-plat --plat auto -w "$raw/repaired" "$raw"/licensed/*.whl
    [ -f "$(echo "$raw"/repaired/*-"cp39-abi3-${policy}_$arch.whl")" ] ||
        stop "not $policy but $(ls "$raw/repaired"): see auditwheel show"
    mv "$raw"/repaired/*.whl build/dist
    rm -rf "$raw"
}

http=$root/build/http-sources # of libcurl and expat
bash cross/fetch.sh http "$http"
for arch in "$@"; do
    rm -f build/dist/pomona-*"_$arch.whl"
    case $arch in
        x86_64)
            [ "$(uname -m)" = x86_64 ] || stop 'x86_64 wheels are made on x86_64'
            CC=clang bash python/http_libraries.sh "$http" build/http-x86_64
            CC=clang PKG_CONFIG_PATH=$root/build/http-x86_64/lib/pkgconfig wheel x86_64 /usr/share/doc /usr/lib/x86_64-linux-gnu
            ;;
        aarch64)
            bash cross/fetch.sh arm64 build/arm64-root
            debian=$root/build/arm64-root/debian/usr
            libraries=$debian/lib/aarch64-linux-gnu
            # Below the folder that takes the place of the machine's root, since pkg-config puts its name before every path.
            bash python/http_libraries.sh "$http" build/arm64-root/debian/http -DCMAKE_SYSTEM_NAME=Linux \
                -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER=clang -DCMAKE_C_COMPILER_TARGET=aarch64-linux-gnu \
                -DCMAKE_C_FLAGS="-isystem $debian/include/aarch64-linux-gnu -isystem $debian/include" \
                "-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64;-L;/usr/aarch64-linux-gnu" -DOPENSSL_INCLUDE_DIR="$debian/include" \
                -DOPENSSL_SSL_LIBRARY="$libraries/libssl.so" -DOPENSSL_CRYPTO_LIBRARY="$libraries/libcrypto.so"
            printf "[properties]\npkg_config_libdir = ['%s', '%s']\n" "$root/build/arm64-root/debian/http/lib/pkgconfig" \
                "$libraries/pkgconfig" >build/arm64-root/http.txt
            (
                unset CC
                export _PYTHON_HOST_PLATFORM=linux-aarch64
                wheel aarch64 "$debian/share/doc" "$libraries" --cross-file="$root/cross/aarch64-linux-gnu-clang.txt" \
                    --cross-file="$root/build/arm64-root/cross.txt" --cross-file="$root/build/arm64-root/http.txt" \
                    -Dpython_headers="$debian/include/python3.11"
            )
            ;;
        *) stop "unknown architecture $arch: x86_64 or aarch64" ;;
    esac
done
ls -l build/dist/*.whl

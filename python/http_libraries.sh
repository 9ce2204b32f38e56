#!/usr/bin/env bash
# usage: http_libraries.sh SOURCES FOLDER [CMAKE OPTION...]     Static libcurl and expat in FOLDER, for a release wheel's reader.
#
# SOURCES is what `cross/fetch.sh http` makes. Debian's own libraries won't do: its libcurl brings Kerberos, LDAP and SSH along, its expat
# needs a newer glibc than wheels may ask for. TLS is OpenSSL's, found by pkg-config or by the options.
#
# A folder that this very script made of the same sources is left as it is.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2s/^# //p' "$0"; exit 1; }
version=$(cat "$0" "$1"/*.dsc <(printf '%s\n' "${@:2}") | sha256sum)
sources=$(cd "$1" && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)
shift 2
[ "$(cat "$folder/ready" 2>/dev/null)" != "$version" ] || exit 0
rm -rf "${folder:?}"/*

# install SOURCE [CMAKE OPTION...]
install() {
    local source=$1 build
    shift
    build=$(mktemp -d)
    cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
        -DCMAKE_C_FLAGS_RELEASE="-O2 -DNDEBUG -ffile-prefix-map=$sources=." -DCMAKE_INSTALL_PREFIX="$folder" \
        -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_C_VISIBILITY_PRESET=hidden "$@"
    ninja -C "$build" install
    rm -rf "$build"
}

# arc4random_buf came with glibc 2.36; getrandom serves as well.
install "$sources/expat/expat" -DEXPAT_SHARED_LIBS=OFF -DEXPAT_BUILD_TOOLS=OFF -DEXPAT_BUILD_EXAMPLES=OFF -DEXPAT_BUILD_TESTS=OFF \
    -DEXPAT_BUILD_DOCS=OFF -DHAVE_ARC4RANDOM_BUF=0 -DHAVE_ARC4RANDOM=0 "$@"
# No certificates of its own: OpenSSL's, and those of the system that pomona finds (src/store/http.c).
install "$sources/curl" -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON -DCURL_CA_BUNDLE=none \
    -DCURL_CA_PATH=none -DCURL_CA_FALLBACK=ON -DCURL_ZLIB=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF \
    -DCURL_USE_LIBPSL=OFF -DCURL_USE_LIBSSH2=OFF -DCURL_USE_LIBSSH=OFF -DCURL_USE_GSSAPI=OFF -DCURL_DISABLE_LDAP=ON \
    -DCURL_DISABLE_LDAPS=ON -DCURL_DISABLE_ALTSVC=ON -DCURL_DISABLE_HSTS=ON -DENABLE_MANUAL=OFF "$@"
# What a static library needs has to be named, since Meson looks for libraries as if they were shared.
# shellcheck disable=SC2016 # ${libdir} is pkg-config's
sed -i 's/^Libs: .*/Libs: -L${libdir} -lcurl -lssl -lcrypto/; /^Libs.private/d; /^Requires/d' "$folder/lib/pkgconfig/libcurl.pc"
printf '%s\n' "$version" >"$folder/ready"

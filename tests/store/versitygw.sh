#!/usr/bin/env bash
# usage: versitygw.sh FOLDER     Makes FOLDER/versitygw, the S3 server of the tests, from source; nothing to do if it is there.
#
# versitygw is a Go module (Apache-2.0) that needs a newer Go than Debian 12 has (1.19). Go 1.21 and later fetch such a
# toolchain themselves; for an older one it is fetched here, by the same way: as a module, checked by Go's checksum database.
set -euo pipefail
folder=${1:?usage: versitygw.sh FOLDER}
version=v1.8.0   # of versitygw
toolchain=1.26.8 # for a Go that is too old
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
[ "$(cat "$folder/version" 2>/dev/null)" != $version ] || exit 0

command -v go >/dev/null || { printf 'versitygw.sh: there is no go\n' >&2; exit 1; }
export GOBIN=$folder GOTOOLCHAIN=auto GOFLAGS=-buildvcs=false
go=go
if [[ $(go env GOVERSION) =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -lt 21 ]; then
    module=golang.org/toolchain@v0.0.1-go$toolchain.$(go env GOOS)-$(go env GOARCH)
    root=$(cd / && go mod download -json "$module" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
    [ -n "$root" ] || { printf 'versitygw.sh: no %s\n' "$module" >&2; exit 1; }
    # An older Go unpacks modules without their permissions to run.
    chmod -R u+w "$root/bin" "$root/pkg/tool"
    find "$root/bin" "$root/pkg/tool" -type f -exec chmod u+x {} +
    export GOROOT=$root GOTOOLCHAIN=local
    go=$root/bin/go
fi
"$go" install -ldflags '-s -w' github.com/versity/versitygw/cmd/versitygw@$version
printf '%s\n' $version >"$folder/version"

#!/usr/bin/env bash
# usage: bare.sh DIR [COMMAND]...     (root; needs debootstrap)
#
# Makes a Debian 12 root in DIR with nothing but the base system, clones the checked-out commit into it, and runs there
# './dev demo' and './dev test', or the commands given. What the machine needs to reach its package mirrors (proxies,
# certificates, pip's settings) comes along; its packages and its data do not.
set -euo pipefail
[ $# -gt 0 ] || { sed -n '2s/^# //p' "$0"; exit 1; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
repository=$(cd "$(dirname "$0")/.." && pwd)
shift
[ $# -gt 0 ] || set -- './dev demo' './dev test'

if [ ! -x "$dir/usr/bin/apt-get" ]; then
    debootstrap --variant=minbase bookworm "$dir"
fi

# bring FILE...: copies files of this machine to the same place in the root, where they exist.
bring() {
    local file
    for file in "$@"; do
        if [ -e "$file" ] && [ ! "$file" -ef "$dir$file" ]; then
            mkdir -p "$dir$(dirname "$file")"
            cp -aL "$file" "$dir$(dirname "$file")/"
        fi
    done
}
# apt's settings except those that name programs which the root does not have.
for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    if [ -f "$file" ] && ! grep -q '::Post-\|::Pre-' "$file"; then bring "$file"; fi
done
bring /etc/resolv.conf /etc/hosts /etc/pip.conf /usr/local/share/ca-certificates
if [ ! -e "$dir/etc/ssl/certs/ca-certificates.crt" ]; then bring /etc/ssl/certs/ca-certificates.crt; fi

rm -rf "$dir/srv/pomona"
git clone -q "$repository" "$dir/srv/pomona"

variables=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/srv LANG=C.UTF-8)
while IFS= read -r variable; do variables+=("$variable"); done \
    < <(env | grep -iE '^(https?_proxy|no_proxy|all_proxy|PIP_[A-Z_]+|SSL_CERT_FILE)=' || true)

for command in "$@"; do
    printf '\n==== bare Debian: %s\n' "$command"
    unshare --mount --pid --fork --mount-proc="$dir/proc" \
        env -i "${variables[@]}" chroot "$dir" /bin/sh -c "cd /srv/pomona && exec $command" </dev/null
done
printf '\nbare.sh: %d passed, 0 failed\n' $#

#!/usr/bin/env bash
# usage: pack_environment.sh WHEEL PYTHON OUT.tar.gz [REQUIREMENT...]
#
# An environment that Spark carries to its executors: WHEEL with NumPy, pyarrow and pandas (which mapInArrow of Spark 3.5 asks the driver for)
# and what else is named, as pip understands it, packed so that it runs wherever it is unpacked.
#
#   pack_environment.sh pomona-0.1.0-cp39-abi3-manylinux_2_34_x86_64.whl 3.9 environment.tar.gz
#   spark.archives                                      s3://bucket/environment.tar.gz#environment
#   spark.emr-serverless.driverEnv.PYSPARK_PYTHON       ./environment/bin/python
#   spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON  ./environment/bin/python
#   spark.executorEnv.PYSPARK_PYTHON                    ./environment/bin/python
#
# PYTHON is the version of the cluster's own interpreter, which the archive links to as /usr/bin/pythonPYTHON (INTERPRETER names another
# place): it does not carry one. Compiled packages fit one version only, so an archive for 3.11 fails on 3.9. Amazon Linux 2023, which
# Amazon EMR 7 stands on, has 3.9 as its own and 3.11 as an addition: see which your release has (ls /usr/bin/python3*). This machine needs
# pip (PIP says how it is called: python3 -m pip), not that version; the processor is that of WHEEL (x86_64, or aarch64 for Graviton).
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 1; }
wheel=$1 python=$2 out=$3
shift 3

stop() {
    printf 'pack_environment.sh: %s\n' "$*" >&2
    exit 1
}
[[ $python =~ ^3\.[0-9]+$ ]] || stop "$python: a version such as 3.9 is needed"
[ -f "$wheel" ] || stop "$wheel: no such file"
[[ $wheel =~ _(x86_64|aarch64)\.whl$ ]] || stop "$wheel: not a release wheel of python/build_wheels.sh"
arch=${BASH_REMATCH[1]}
[[ $out = *.tar.gz ]] || stop "$out: Spark unpacks by name, so it must end in .tar.gz"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
site=$folder/lib/python$python/site-packages
read -ra pip <<<"${PIP:-python3 -m pip}"
platforms=()
for glibc in 34 28 27 17; do platforms+=(--platform "manylinux_2_${glibc}_$arch"); done
"${pip[@]}" install -q --disable-pip-version-check --no-compile --only-binary=:all: --implementation cp --python-version "$python" \
    --abi "cp${python/./}" --abi abi3 "${platforms[@]}" --platform "manylinux2014_$arch" --target "$site" "$wheel" pyarrow pandas "$@"
rm -rf "${site:?}/bin" # programs, which name the interpreter of this machine

# What makes a folder a virtual environment, wherever it is: Python looks for pyvenv.cfg beside or above its own name.
chmod 755 "$folder"
mkdir "$folder/bin"
ln -s "${INTERPRETER:-/usr/bin/python$python}" "$folder/bin/python"
ln -s python "$folder/bin/python3"
ln -s python "$folder/bin/python$python"
ln -s lib "$folder/lib64"
printf 'home = %s\ninclude-system-site-packages = false\nversion = %s\n' \
    "$(dirname "${INTERPRETER:-/usr/bin/python$python}")" "$python" >"$folder/pyvenv.cfg"

tar -C "$folder" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -c . | gzip -n >"$out.tmp"
mv "$out.tmp" "$out"
ls -l "$out"

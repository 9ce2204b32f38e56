#!/usr/bin/env bash
# All benches, with the rows kept; called by ./dev bench, which makes the environments.
set -euo pipefail
cd "$(dirname "$0")"
python=../build/venv-peers/bin/python
for bench in net threads job moments pca memory start logistic classifier views decode; do
    printf '\n== %s\n' "$bench"
    "$python" "$bench.py" --keep
done
printf '\n== in 8 bits\n'
"$python" net.py --precision int8 --keep
"$python" job.py --precision int8 --keep
"$python" job.py --precision int8 --count 200 --size 3464 --keep
"$python" layers.py --keep
printf '\n== s3\n'
"$python" s3.py --keep
printf '\n== pca_spark\n'
../build/venv-reference/bin/python pca_spark.py --keep

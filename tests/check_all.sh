#!/usr/bin/env bash
# usage: check_all.sh     The fast checks, and the proof that each of them can fail.
cd "$(dirname "$0")" || exit 2
status=0
for script in check_style.sh check_layers.sh check_headers.sh check_self.sh; do
    bash "$script" || status=1
done
exit $status

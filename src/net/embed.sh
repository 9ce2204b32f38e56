#!/bin/sh
# embed.sh FP32 INT8 HEADER: writes a header with the absolute paths of the models to embed. Run by the build when one of them
# changes, so that the object that includes their bytes is compiled again.
set -eu
printf '#define EMBEDDED_FP32_PATH "%s"\n#define EMBEDDED_INT8_PATH "%s"\n' "$(realpath "$1")" "$(realpath "$2")" >"$3"

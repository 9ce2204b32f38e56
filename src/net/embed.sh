#!/bin/sh
# Writes a header with the absolute path of the model to embed. Run by the build when that file changes, so that the
# object that includes its bytes is compiled again.
set -eu
printf '#define EMBEDDED_MODEL_PATH "%s"\n' "$(realpath "$1")" >"$2"

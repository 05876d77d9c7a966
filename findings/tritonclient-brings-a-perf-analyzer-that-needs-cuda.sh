#!/usr/bin/env bash
# Package: tritonclient 2.49.0 (PyPI). Needs Python with venv, and readelf (binutils).
#
# Expected: `pip install tritonclient[all]` brings the command perf_analyzer. It sends requests over the network, so it runs
#   on any Linux, with or without a GPU.
# Behaviour: The command is a program that is linked to CUDA's runtime and to libb64. Neither is in the wheel, nor in what
#   the wheel asks for, even with its extra `all`. Where they are missing, the loader ends the program before its first
#   line.
#
# Output seen:
#   perf_analyzer needs   libb64.so.0d, libcudart.so.12
#   files of both in the environment   0
#
# Meaning: Beside it, install nvidia-cuda-runtime-cu12 and put its folder on LD_LIBRARY_PATH, and libb64-0d of Debian.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'tritonclient[all]==2.49.0'

program=$(find venv -type f -name perf_analyzer -size +1M)
needs=$(readelf --dynamic "$program" | sed -n 's/.*NEEDED.*\[\(lib\(b64\|cudart\)[^]]*\)\].*/\1/p' | sort | paste -sd' ')
files=$(find venv -name 'libcudart.so*' -o -name 'libb64.so*' | wc -l)
seen="needs $needs; files $files"
if [[ $seen != 'needs libb64.so.0d libcudart.so.12; files 0' ]]; then
  echo "The behaviour has changed: $seen" >&2
  exit 1
fi
echo "As stated: $seen"

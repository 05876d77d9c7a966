#!/usr/bin/env bash
# Trains, exports and evaluates the CIFAR-10 networks and their baselines in turn. After MINUTES training stops and nothing else
# is begun; the same command goes on where the last one stopped, until it says that all is done. Meant for one data-centre GPU.
#
#   train-cifar10.sh RUNS [MINUTES]      RUNS/NAME/ gets the run, its export/ and, of a network, triple-win.md
#
# CONFIGS (configs/gpu), NAMES (each network and, behind it, its baseline), DEVICE, DATASET, IMAGES and TRAIN_OPTIONS change what
# it does, PYTHON what runs it.
set -euo pipefail
runs=$(mkdir -p "$1" && cd "$1" && pwd)
minutes=${2:-9}
cd "$(dirname "$0")"
read -ra names <<<"${NAMES:-rdi-resnet38 resnet38-single rdi-mobilenetv2 mobilenetv2-single}"
read -ra options <<<"${TRAIN_OPTIONS:-}"
device=${DEVICE:-cuda}
dataset=${DATASET:-cifar10}
images=${IMAGES:-1000}

toolkit() { "${PYTHON:-python}" -m rdi_training "$@"; }
out_of_time() { ((SECONDS >= minutes * 60)); }
finished() { grep -q '"event": "end"' "$runs/$1/log.jsonl"; }

for name in "${names[@]}"; do
  if [[ ! -e $runs/$name/export/MODEL_CARD.md ]]; then
    if out_of_time; then echo 'time is up; the same command goes on'; exit; fi
    timeout --preserve-status --signal=TERM $((minutes * 60 - SECONDS)) \
      "${PYTHON:-python}" -m rdi_training train --config "${CONFIGS:-configs/gpu}/$name.json" --run "$runs/$name" \
      --device "$device" "${options[@]}" || [[ $? == 143 ]] # told to stop while it was still starting
    finished "$name" || { echo 'time is up; the same command goes on'; exit; }
    toolkit export --run "$runs/$name" --out "$runs/$name/export" --device "$device" --hardware "${HARDWARE:-$device}"
  fi
done

compare() { toolkit evaluate "$@" --dataset "$dataset" --images "$images" --device "$device"; }
for name in "${names[@]}"; do
  if [[ ! -e $runs/$name/report.md ]]; then
    if out_of_time; then echo 'time is up; the same command goes on'; exit; fi
    compare "$runs/$name/export" --out "$runs/$name/report"
  fi
done
for ((i = 0; i + 1 < ${#names[@]}; i += 2)); do
  pair=("$runs/${names[i]}" "$runs/${names[i + 1]}")
  if [[ ! -e ${pair[0]}/triple-win.md ]]; then
    if out_of_time; then echo 'time is up; the same command goes on'; exit; fi
    compare "${pair[0]}/export" --against "${pair[1]}/export" --out "${pair[0]}/triple-win"
  fi
done
echo 'all is done'

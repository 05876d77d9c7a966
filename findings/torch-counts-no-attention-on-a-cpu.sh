#!/usr/bin/env bash
# Package: torch 2.13.0 (PyPI).
#
# Expected: `torch.utils.flop_counter.FlopCounterMode` counts scaled_dot_product_attention, as it counts other
#   products: it has formulas for the kernels of attention.
# Behaviour: On a CPU the attention counts as 0. The formulas are registered for the kernels of GPUs; the CPU's own flash
#   attention has none, and a missing formula is no warning. With the kernel MATH, which is made of matrix products, the
#   same call is counted.
#
# Output seen, for 1 image, 2 heads, 64 tokens of 16 values, of which 4 × 2 × 64² × 16 FLOPs are to be counted:
#   kernel        FLOPs
#   the default   0
#   MATH          524288
#
# Meaning: A vision transformer that is counted on a laptop seems cheaper than the same one counted on a GPU, the more so
#   the more tokens it has.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 numpy==2.4.6

cat > check.py <<'PY'
from contextlib import nullcontext

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

query, key, value = (torch.rand(1, 2, 64, 16) for _ in range(3))
seen = []
for kernel in [nullcontext(), sdpa_kernel(SDPBackend.MATH)]:
    with kernel, torch.no_grad(), FlopCounterMode(display=False) as counter:
        torch.nn.functional.scaled_dot_product_attention(query, key, value)
    seen.append(counter.get_total_flops())
assert seen == [0, 4 * 2 * 64**2 * 16], f"The behaviour has changed: {seen}"
print(f"As stated: {seen[0]} by default, {seen[1]} with MATH")
PY
venv/bin/python check.py

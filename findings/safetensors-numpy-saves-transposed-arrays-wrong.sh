#!/usr/bin/env bash
# safetensors.numpy.save_file stores wrong values for a transposed array, and raises nothing.
#
# Packages: safetensors 0.8.0, numpy 2.4.6.
#
# Expected: save and load give the same numbers back. A library that cannot store an array that is
#   not contiguous should raise an error, as safetensors itself does for PyTorch tensors.
#
# Behaviour: the numpy front end writes the bytes as they lie in memory, but takes the shape of the
#   view. The file is valid and the loaded shape is right. The values are in the wrong places.
#
# Output seen: saved [[0, 3], [1, 4], [2, 5]], loaded [[0, 1], [2, 3], [4, 5]]
#   A 3x3x2x4 kernel moved from HWIO to OIHW: 2 of 72 numbers are still in their place.
#
# For people who serve models: weights that move from TensorFlow or JAX to PyTorch pass through
#   transpose(3, 2, 0, 1), so this is the usual case. The network loads and answers nonsense.
#   Call numpy.ascontiguousarray on each array before you save.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np
from safetensors.numpy import load_file, save_file

def round_trip(array):
    save_file({"w": array}, "w.safetensors")
    return load_file("w.safetensors")["w"]

small = np.arange(6, dtype=np.float32).reshape(2, 3).T
loaded = round_trip(small)
print("saved", small.astype(int).tolist(), "loaded", loaded.astype(int).tolist())
assert loaded.shape == small.shape, f"another shape: {loaded.shape}"
assert not np.array_equal(loaded, small), "a transposed array now survives"
assert loaded.ravel().tolist() == [0, 1, 2, 3, 4, 5], f"not the bytes in memory order: {loaded}"

kernel = np.arange(72, dtype=np.float32).reshape(3, 3, 2, 4).transpose(3, 2, 0, 1)
same = int((round_trip(kernel) == kernel).sum())
print(f"HWIO to OIHW: {same} of {kernel.size} numbers are in their place")
assert same < kernel.size, "a transposed kernel now survives"
assert np.array_equal(round_trip(np.ascontiguousarray(kernel)), kernel), "a contiguous copy is damaged too"
PY

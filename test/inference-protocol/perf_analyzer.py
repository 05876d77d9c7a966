"""Triton's perf_analyzer against a server: with the random tensors that it makes of the metadata, or, if those name BYTES,
with encoded images. By HTTP and gRPC; in turn, at once, and in streams."""

import base64
import csv
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request

from expected import ADDRESS, DIGITS, GRPC_ADDRESS, MODEL, URL

REQUESTS = 200
PROGRAM = pathlib.Path(sys.executable).with_name("perf_analyzer")
# The program is linked with a library of CUDA, and runs without a GPU.
LIBRARIES = pathlib.Path(sysconfig.get_path("purelib"), "nvidia", "cuda_runtime", "lib")
ENVIRONMENT = {**os.environ, "LD_LIBRARY_PATH": str(LIBRARIES)}
WAYS = {
    "HTTP, in turn": ["-i", "http", "-u", ADDRESS],
    "HTTP, at once, in batches": ["-i", "http", "-u", ADDRESS, "--async", "-b", "4"],
    "gRPC, in turn": ["-i", "grpc", "-u", GRPC_ADDRESS],
    "gRPC, at once, in batches": ["-i", "grpc", "-u", GRPC_ADDRESS, "--async", "-b", "4"],
    "gRPC, in streams": ["-i", "grpc", "-u", GRPC_ADDRESS, "--async", "--streaming"],
}


def counts():
    with urllib.request.urlopen(f"{URL}/metrics") as response:
        text = response.read().decode()
    return [
        sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))
        for name in ("rdi_predictions_total", "rdi_rejections_total")
    ]


def analyze(folder, arguments):
    """Runs the program. @returns the row that it wrote about four requests at once"""
    report = folder / "report.csv"
    command = [PROGRAM, "-m", MODEL, "--request-count", str(REQUESTS), "--concurrency-range", "4"]
    command += ["-f", report, *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    [row] = csv.DictReader(report.open())
    report.unlink()
    return row


def input_data(folder):
    """Encoded images, each led by its length, as perf_analyzer wants BYTES in base64."""
    elements = [struct.pack("<I", len(image)) + image for image in DIGITS]
    steps = [{"image": {"b64": base64.b64encode(element).decode(), "shape": [1]}} for element in elements]
    path = folder / "images.json"
    path.write_text(json.dumps({"data": steps}))
    return ["--input-data", path]


with urllib.request.urlopen(f"{URL}/v2/models/{MODEL}") as response:
    datatype = json.load(response)["inputs"][0]["datatype"]
with tempfile.TemporaryDirectory() as name:
    data = input_data(pathlib.Path(name)) if datatype == "BYTES" else []
    for way, arguments in WAYS.items():
        before = counts()
        row = analyze(pathlib.Path(name), [*data, *arguments])
        images, refused = (after - earlier for after, earlier in zip(counts(), before, strict=True))
        batch = 4 if "-b" in arguments else 1
        assert images >= REQUESTS * batch and refused == 0, (way, images, refused)
        assert float(row["Inferences/Second"]) > 0 and float(row["Server Compute Infer"]) > 0, row
        print(f"perf_analyzer, {datatype}, {way}: {images:.0f} images")

"""The script that trains, exports and compares the shipped networks, here with tiny ones on made-up images."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

from rdi_training.training.config import TrainingConfig

SCRIPT = Path(__file__).parents[1] / "train-cifar10.sh"
SINGLE_EXIT = """
from rdi_training.networks.layers import classifier, convolution
from rdi_training.networks.multi_exit import MultiExitNetwork

def build(classes):
    return MultiExitNetwork([convolution(1, 8, stride=2)], [classifier(8, classes)], (1, 12, 12))
"""


def test_it_stops_in_time_goes_on_and_compares(config: TrainingConfig, tmp_path: Path) -> None:
    (tmp_path / "tiny_single.py").write_text(SINGLE_EXIT)
    for name, network in (("dynamic", "rdi-tiny"), ("single", "tiny_single:build")):
        own = dataclasses.replace(config, name=name, network=network, precision="bf16")
        (tmp_path / f"{name}.json").write_text(json.dumps(own.to_json()))
    settings = {
        "PYTHON": sys.executable,
        "PYTHONPATH": str(tmp_path),
        "CONFIGS": str(tmp_path),
        "DEVICE": "cpu",
        "DATASET": "stripes",
        "IMAGES": "30",
        "TRAIN_OPTIONS": "--threads 1",
    }

    def run(minutes: str, names: str = "dynamic single") -> str:
        command = ["bash", str(SCRIPT), str(tmp_path / "runs"), minutes]
        environment = os.environ | settings | {"NAMES": names}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    assert "time is up; the same command goes on" in run("0")
    assert not (tmp_path / "runs" / "dynamic").exists()
    assert "all is done" in run("30")
    for name in ("dynamic", "single"):
        assert (tmp_path / "runs" / name / "export" / "model.onnx").exists()
        assert (tmp_path / "runs" / name / "report.md").exists()
    assert not (tmp_path / "runs" / "single" / "triple-win.md").exists()
    # A second pair, of what there is already.
    assert "all is done" in run("30", "dynamic single single dynamic")
    for name, baseline in (("dynamic", "single"), ("single", "dynamic")):
        table = (tmp_path / "runs" / name / "triple-win.md").read_text()
        assert f"{name}, balanced minus {baseline}, balanced" in table
        assert "Paired, image by image; executed on clean images:" in table

"""`craft-slow`: copies inside the ball that run deeper than the images, for an exported network by its graph alone."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rdi_training.__main__ import main
from rdi_training.cli.craft_slow import PixelNetwork
from rdi_training.data.stripes import draw_stripes, load_stripes
from rdi_training.dynamic import Gate, all_logits
from rdi_training.export.onnx_graph import write_onnx
from rdi_training.networks.multi_exit import MultiExitNetwork


@pytest.fixture
def package(network: MultiExitNetwork, tmp_path: Path) -> Path:
    """The tiny network with a profile under which images leave early, and its test images."""
    folder = tmp_path / "package"
    folder.mkdir()
    write_onnx(network, folder / "model.onnx")
    channels, height, width = network.image_shape
    exits = [{"logits": f"exit_{index}"} for index in range(network.exit_count)]
    size = {"channels": channels, "height": height, "width": width, "mean": [0] * channels, "std": [1] * channels}
    manifest = {"input": size, "exits": exits, "classes": list(draw_stripes(1, seed=1).classes)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    early = {"policy": "margin", "thresholds": [0.3, 0.3]}
    patient = {"policy": "patience", "thresholds": [2, 2]}
    calibration = {"defaultProfile": "early", "profiles": {"early": early, "patient": patient}}
    (folder / "calibration.json").write_text(json.dumps(calibration))
    return folder


@pytest.mark.parametrize("aim", ["thresholds", "uniform"])
def test_the_copies_run_deeper_within_the_ball(package: Path, tmp_path: Path, aim: str) -> None:
    out = tmp_path / aim
    given = ["--dataset", "stripes", "--data", str(tmp_path), "--count", "40", "--aim", aim]
    assert main(["craft-slow", str(package), "--out", str(out), *given, "--epsilon", "0.2", "--steps", "5"]) == 0
    made = []
    for path in sorted(out.rglob("*.png"), key=lambda path: path.name):
        with Image.open(path) as image:
            made.append(np.asarray(image))
    slow = torch.from_numpy(np.stack(made)).reshape(40, 1, 12, 12)
    gate = Gate("margin", (0.3, 0.3))
    images = load_stripes(tmp_path, "test").sample(40, 1).images
    assert 0 < int((slow.int() - images.int()).abs().max()) <= 51
    network = PixelNetwork(package, json.loads((package / "manifest.json").read_text()))
    before, after = (gate.exits_taken(all_logits(network, part)).float().mean() for part in (images, slow))
    assert after > before + 0.2


def test_what_it_cannot_attack_is_said(package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["craft-slow", str(package), "--out", str(tmp_path / "x"), "--data", str(tmp_path)]
    assert main([*given, "--dataset", "stripes", "--profile", "patient"]) == 2
    assert "patience, which has no gradient" in capsys.readouterr().err
    assert main([*given, "--dataset", "stripes", "--profile", "none"]) == 2
    assert "it has early, patient" in capsys.readouterr().err
    manifest = json.loads((package / "manifest.json").read_text())
    manifest["input"]["height"] += 1
    (package / "manifest.json").write_text(json.dumps(manifest))
    assert main([*given, "--dataset", "stripes", "--epsilon", "0.1"]) == 2
    assert "channels first; the package takes" in capsys.readouterr().err

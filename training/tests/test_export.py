"""The exported folder: same logits at every exit, named cuts, synthetic golden cases."""

import base64
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from rdi_training.data.stripes import CLASSES
from rdi_training.dynamic import Gate, all_logits, always_full
from rdi_training.evaluation.subject import load_package
from rdi_training.export.golden import golden_cases, synthetic_images
from rdi_training.export.onnx_graph import run_onnx, write_onnx
from rdi_training.export.package import Description, check_parity, write_package
from rdi_training.networks.multi_exit import MultiExitNetwork
from rdi_training.networks.registry import NETWORKS, build_network
from rdi_training.networks.tiny import rdi_tiny
from rdi_training.training.batch_norm import recompute_statistics

SHIPPED = sorted((Path(__file__).parents[2] / "models").glob("*/*"))
assert SHIPPED, "models/ has no package: the test of shipped ones would be skipped"
CALIBRATION = {
    "formatVersion": 1,
    "defaultProfile": "balanced",
    "profiles": {"balanced": {"policy": "entropy", "thresholds": [0.5, None]}},
}


def description() -> Description:
    provenance = {"dataset": "stripes", "training": {"config": {"network": "rdi-tiny"}}}
    return Description("tiny", "1", "A tiny network", "Apache-2.0", CLASSES, provenance)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_exports_with_the_same_logits_for_any_batch(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = build_network(name, classes=10)
    recompute_statistics(network, [torch.rand(16, *network.image_shape)])
    write_onnx(network, tmp_path / "model.onnx")
    assert check_parity(network, tmp_path / "model.onnx") <= 1e-4
    single = torch.rand(1, *network.image_shape)
    difference = run_onnx(tmp_path / "model.onnx", single) - all_logits(network, single)
    assert difference.abs().max() <= 1e-4
    operators = {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}
    packing = {"Concat", "Reshape", "Slice"} if name.endswith("-averaged") else set()
    shape_arithmetic = {"Shape", "Gather", "Concat", "Reshape", "Slice"} - packing
    assert not operators & ({"BatchNormalization", "Identity"} | shape_arithmetic)


def test_cuts_are_values_that_separate_the_graph(network: MultiExitNetwork, tmp_path: Path) -> None:
    write_onnx(network, tmp_path / "model.onnx")
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert [output.name for output in graph.output] == ["exit_0", "exit_1", "exit_2"]
    assert [given.name for given in graph.input] == ["image"]
    for index in (0, 1):
        needed = onnx.utils.Extractor(onnx.load(tmp_path / "model.onnx")).extract_model(
            [f"cut_{index}"], [f"exit_{number}" for number in range(index, 3)]
        )
        onnx.checker.check_model(needed)


def test_package_reads_back_as_the_same_network(network: MultiExitNetwork, tmp_path: Path) -> None:
    write_package(network, description(), CALIBRATION, "# tiny\n", tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "MODEL_CARD.md",
        "calibration.json",
        "checkpoint.safetensors",
        "description.json",
        "golden.json",
        "model.onnx",
    }
    written = json.loads((tmp_path / "description.json").read_text())
    assert written["exits"] == [
        {"name": "exit-1", "logits": "exit_0", "cut": "cut_0"},
        {"name": "exit-2", "logits": "exit_1", "cut": "cut_1"},
        {"name": "final", "logits": "exit_2"},
    ]
    assert written["input"] == {
        "height": 12,
        "width": 12,
        "channels": 1,
        "mean": [0],
        "std": [1],
        "resize": "fill",
    }
    subject = load_package(tmp_path, "balanced")
    assert subject.gate == Gate("entropy", (0.5, None))
    assert load_package(tmp_path, "full").gate == always_full(2)
    images = torch.rand(4, *network.image_shape)
    expected = all_logits(network.to(memory_format=torch.channels_last), images)
    assert torch.equal(all_logits(subject.network, images), expected)
    with pytest.raises(ValueError, match="no profile 'sharp'"):
        load_package(tmp_path, "sharp")


@pytest.mark.parametrize("package", SHIPPED, ids=lambda package: package.parent.name)
def test_a_shipped_package_reads_back_with_its_golden_outputs(package: Path) -> None:
    subject = load_package(package, "balanced")
    assert set(subject.profiles) == {"accurate", "balanced", "fast", "full"}
    golden = json.loads((package / "golden.json").read_text())
    channels, height, width = subject.network.image_shape
    pixels = b"".join(base64.b64decode(case["pixels"]) for case in golden["cases"])
    images = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).view(-1, height, width, channels)
    expected = torch.tensor([case["logits"] for case in golden["cases"]]).transpose(0, 1)
    logits = all_logits(subject.network, images.permute(0, 3, 1, 2))
    torch.testing.assert_close(logits, expected, atol=golden["tolerance"], rtol=0)


def test_a_graph_that_differs_is_refused(network: MultiExitNetwork, tmp_path: Path) -> None:
    write_onnx(rdi_tiny(), tmp_path / "model.onnx")
    with pytest.raises(RuntimeError, match="logits differ"):
        check_parity(network, tmp_path / "model.onnx")


def test_golden_pixels_give_the_golden_logits(network: MultiExitNetwork) -> None:
    golden = golden_cases(network)
    assert len(golden["cases"]) >= 8
    for case in golden["cases"]:
        pixels = np.frombuffer(base64.b64decode(case["pixels"]), dtype=np.uint8).reshape(12, 12, 1)
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1).unsqueeze(0)
        assert torch.allclose(all_logits(network, image)[:, 0], torch.tensor(case["logits"]), atol=golden["tolerance"])


def test_golden_images_vary_and_repeat() -> None:
    first, second = (synthetic_images((3, 16, 16), seed=7) for _ in range(2))
    assert torch.equal(first, second)
    assert len(first.unique(dim=0)) == len(first)

"""The folder that `rdi-serve import` reads: graph, description, golden cases, profiles, weights and card."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save

from .. import __version__
from ..dynamic import all_logits
from ..networks.multi_exit import MultiExitNetwork
from .golden import TOLERANCE, golden_cases, synthetic_images
from .onnx_graph import INPUT, cut_name, exit_name, run_onnx, write_onnx

WEIGHTS = "checkpoint.safetensors"
DESCRIPTION = "description.json"


@dataclass(frozen=True)
class Description:
    """What the package says of itself."""

    name: str
    version: str
    text: str
    licence: str
    classes: Sequence[str]
    provenance: dict[str, Any]
    """"dataset", "training" and "network"; the tool is added."""


def write_package(
    network: MultiExitNetwork, description: Description, calibration: dict[str, Any], card: str, folder: Path
) -> None:
    """Write every file; a graph whose logits differ from the network's at any exit is a RuntimeError."""
    folder.mkdir(parents=True, exist_ok=True)
    write_onnx(network, folder / "model.onnx")
    check_parity(network, folder / "model.onnx")
    _write_json(folder / DESCRIPTION, _describe(network, description))
    _write_json(folder / "golden.json", golden_cases(network))
    _write_json(folder / "calibration.json", calibration)
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    # Not save_file: its files are readable by their owner alone.
    (folder / WEIGHTS).write_bytes(save(weights))
    (folder / "MODEL_CARD.md").write_text(card)


def read_description(folder: Path) -> dict[str, Any]:
    """What an exported folder, or the package that `rdi-serve import` made of it, says of its network."""
    exported = folder / DESCRIPTION
    description: dict[str, Any] = json.loads((exported if exported.exists() else folder / "manifest.json").read_text())
    return description


def served_network(description: dict[str, Any]) -> str:
    """The network's name in the registry: the one trained, unless the weights were exported in another.

    Packages from before that was possible name only the one trained.
    """
    provenance = description["provenance"]
    name: str = provenance.get("network") or provenance["training"]["config"]["network"]
    return name


def check_parity(network: MultiExitNetwork, graph: Path) -> float:
    """Largest difference between the graph's and the network's logits on synthetic images, over all exits."""
    images = synthetic_images(network.image_shape, seed=1).float() / 255
    difference = (run_onnx(graph, images) - all_logits(network, images)).abs().max().item()
    if difference > TOLERANCE:
        raise RuntimeError(f"{graph}: logits differ from the network's by {difference:.2g}")
    return difference


def _describe(network: MultiExitNetwork, description: Description) -> dict[str, Any]:
    channels, height, width = network.image_shape
    last = network.exit_count - 1
    side_exits = [
        {"name": f"exit-{index + 1}", "logits": exit_name(index), "cut": cut_name(index)} for index in range(last)
    ]
    return {
        "name": description.name,
        "version": description.version,
        "description": description.text,
        "licence": description.licence,
        "classes": list(description.classes),
        "input": {
            "height": height,
            "width": width,
            "channels": channels,
            "mean": [0] * channels,
            "std": [1] * channels,
            "resize": "fill",
        },
        "tensor": INPUT,
        "exits": [*side_exits, {"name": "final", "logits": exit_name(last)}],
        "provenance": description.provenance | {"tool": f"rdi-training {__version__}"},
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")

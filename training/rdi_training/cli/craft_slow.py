"""`craft-slow`: write copies of images that run deep in any package, for `rdi-serve evaluate`."""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..attacks.ball import random_start, to_bytes
from ..attacks.objectives import staying, towards_uniform
from ..attacks.pgd import pgd
from ..data.image_set import ImageSet, as_pixels
from ..data.registry import data_folder, load_split
from ..dynamic import SCORES, Gate, all_logits
from ..evaluation.threat import Threat, threat_for
from ..export.package import read_description
from ..networks.onnx_network import OnnxNetwork
from .held_out import write_images

BATCH = 50
AIMS = ("thresholds", "uniform")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("package", type=Path, help="models/NAME/VERSION, or a folder that `rdi-serve import` reads")
    parser.add_argument("--out", type=Path, required=True, help="folder to write: CLASS/00000.png")
    parser.add_argument("--dataset", required=True, help="cifar10, mnist, or a folder with SPLIT/CLASS/NAME.png")
    parser.add_argument("--split", default="test", help="of the data set")
    parser.add_argument("--count", type=int, default=300, help="how many images, drawn at random")
    parser.add_argument("--profile", help="whose thresholds are attacked; default: the package's default profile")
    parser.add_argument(
        "--aim",
        choices=AIMS,
        default="thresholds",
        help="thresholds: no exit clears the profile's; uniform: no exit is sure of anything (DeepSloth)",
    )
    parser.add_argument("--epsilon", type=float, help="radius, in [0, 1]; default: the paper's for the data set")
    parser.add_argument("--steps", type=int, help="of PGD; default: the paper's")
    parser.add_argument("--data", type=Path, help="folder with mnist/, cifar10/ … (RDI_DATA)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw and the random starts")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")


def run(options: argparse.Namespace) -> int:
    """Climb towards the final exit, by the gradients of the package's own ONNX graph."""
    torch.set_num_threads(options.threads)
    manifest = read_description(options.package)
    network = PixelNetwork(options.package, manifest)
    profile, gate = _gate(options.package, options.profile)
    images = load_split(options.dataset, data_folder(options.data), options.split).sample(options.count, options.seed)
    _check_images(images, manifest)
    threat = threat_for(options.dataset, options.epsilon)
    threat = Threat(threat.epsilon, threat.step, options.steps or threat.steps)
    objective = staying(gate) if options.aim == "thresholds" else towards_uniform()
    generator = torch.Generator().manual_seed(options.seed)
    copies = []
    for raw, labels in tqdm(list(zip(images.images.split(BATCH), images.labels.split(BATCH), strict=True))):
        clean = as_pixels(raw)
        start = random_start(clean, threat.epsilon, generator)
        budget = {"epsilon": threat.epsilon, "step": threat.step, "steps": threat.steps}
        climbed = pgd(network, clean, labels, objective, start=start, **budget)
        copies.append(to_bytes(climbed, raw, threat.epsilon))
    slow = torch.cat(copies)
    write_images(ImageSet(slow, images.labels, images.classes), options.out)
    before, after = (_deepest(network, gate, version) for version in (images.images, slow))
    print(f"wrote {len(images)} images to {options.out}; under {profile}, {before} of them reached the final exit")
    print(f"before and {after} after: PGD, aim {options.aim}, L∞ radius {threat.epsilon:g}, {threat.steps} steps")
    return 0


class PixelNetwork(nn.Module):
    """A package's network on pixels: [N, C, H, W] in [0, 1], as the service prepares them, to every exit's logits."""

    def __init__(self, package: Path, manifest: dict[str, Any]) -> None:
        super().__init__()
        self.graph = OnnxNetwork(package / "model.onnx", [one["logits"] for one in manifest["exits"]])
        described = manifest["input"]
        black, white = described.get("range", [0, 1])
        self.black, self.reach = float(black), float(white - black)
        self.is_bgr = described.get("channelOrder") == "bgr"
        self.is_nhwc = described.get("layout") == "nhwc"
        self.register_buffer("mean", torch.tensor(described["mean"], dtype=torch.float32).reshape(-1, 1, 1))
        self.register_buffer("std", torch.tensor(described["std"], dtype=torch.float32).reshape(-1, 1, 1))

    def forward(self, images: Tensor) -> list[Tensor]:
        values = images.flip(1) if self.is_bgr else images
        values = (self.black + self.reach * values - self.mean) / self.std
        return self.graph(values.permute(0, 2, 3, 1) if self.is_nhwc else values)


def _gate(package: Path, wanted: str | None) -> tuple[str, Gate]:
    """The profile's name and what it decides by."""
    calibration = json.loads((package / "calibration.json").read_text())
    name, profiles = wanted or calibration["defaultProfile"], calibration["profiles"]
    if name not in profiles:
        raise ValueError(f"{package} has no profile {name!r}; it has {', '.join(profiles)}")
    policy, thresholds = profiles[name]["policy"], profiles[name]["thresholds"]
    if policy not in SCORES:
        raise ValueError(f"the profile {name!r} decides by {policy}, which has no gradient; choose another --profile")
    return name, Gate(policy, tuple(thresholds))


def _check_images(images: ImageSet, manifest: dict[str, Any]) -> None:
    """A ValueError unless the images are as the network takes them, and of its classes."""
    described = manifest["input"]
    wanted = [described["channels"], described["height"], described["width"]]
    if list(images.images.shape[1:]) != wanted:
        raise ValueError(f"images are {list(images.images.shape[1:])}, channels first; the package takes {wanted}")
    if unknown := sorted(set(images.classes) - set(manifest["classes"])):
        raise ValueError(f"the package has no class {', '.join(unknown)}")


def _deepest(network: nn.Module, gate: Gate, images: Tensor) -> int:
    """How many of the images take the final exit."""
    taken = gate.exits_taken(all_logits(network, images, BATCH))
    return int(taken.eq(len(gate.thresholds)).sum())

"""What is evaluated: a network with its gate, from an exported folder, a package or the authors' checkpoint."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from ..data.cifar10 import CLASSES
from ..data.image_set import ImageSet
from ..dynamic import SCORES, Gate, all_logits, always_full
from ..export.package import WEIGHTS, read_description, served_network
from ..networks.authors_resnet38 import load_authors_checkpoint
from ..networks.multi_exit import MultiExitNetwork
from ..networks.registry import build_network
from .authors_rule import authors_thresholds


@dataclass(frozen=True)
class Subject:
    """A network, evaluating, with the gate that decides where images leave."""

    model: str
    network: MultiExitNetwork
    profile: str
    """The one under every attack."""
    profiles: Mapping[str, Gate]
    """All that it may be run with."""
    classes: tuple[str, ...]
    """Names of what it tells apart, in the order of its logits."""

    @property
    def name(self) -> str:
        """What to call it in a table."""
        return f"{self.model}, {self.profile}"

    def check_classes(self, images: ImageSet) -> None:
        """A ValueError unless the images' labels count the same classes."""
        if images.classes != self.classes:
            raise ValueError(
                f"the images are of the classes {', '.join(images.classes)}; "
                f"{self.model} tells apart {', '.join(self.classes)}"
            )

    @property
    def gate(self) -> Gate:
        """That of its profile."""
        return self.profiles[self.profile]


def load_package(folder: Path, profile: str) -> Subject:
    """An exported folder or a package with one of its profiles; `full` is every one's: all side exits off.

    Profiles that decide by patience are left out.
    """
    description = read_description(folder)
    network = build_network(served_network(description), classes=len(description["classes"]))
    network.load_state_dict(load_file(folder / WEIGHTS))
    calibration = json.loads((folder / "calibration.json").read_text())
    profiles = {
        name: Gate(values["policy"], tuple(values["thresholds"]))
        for name, values in calibration["profiles"].items()
        if values["policy"] in SCORES
    } | {"full": always_full(network.exit_count - 1)}
    if profile not in profiles:
        raise ValueError(f"{folder} has no profile {profile!r} to evaluate; it has {', '.join(profiles)}")
    return Subject(description["name"], network.eval(), profile, profiles, tuple(description["classes"]))


def load_authors(path: Path, test_images: Tensor) -> Subject:
    """The published checkpoint with thresholds set its authors' way, on the test images (uint8)."""
    network = load_authors_checkpoint(path)
    thresholds = authors_thresholds(all_logits(network, test_images))
    profiles = {"as published": Gate("entropy", tuple(thresholds)), "full": always_full(network.exit_count - 1)}
    return Subject("authors' RDI-ResNet38", network, "as published", profiles, CLASSES)
